// Timestamps in fields: three formats, and nothing else. RFC 9110 5.6.7.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatHttpDate, parseHttpDate } from '../../http/http-date.ts';

const now = Date.UTC(2026, 10, 21);

test.each([
  ['IMF-fixdate', 'Sun, 06 Nov 1994 08:49:37 GMT'],
  ['RFC 850', 'Sunday, 06-Nov-94 08:49:37 GMT'],
  ['asctime', 'Sun Nov  6 08:49:37 1994'],
  ['asctime with two digits', 'Sun Nov 06 08:49:37 1994'],
  ['RFC 9111 4.2: any case of the weekday', 'SUN, 06 Nov 1994 08:49:37 GMT'],
  ['RFC 9111 4.2: any case of the month', 'Sun, 06 NOV 1994 08:49:37 GMT'],
  ['RFC 9111 4.2: any case of the zone', 'Sun, 06 Nov 1994 08:49:37 gMT'],
  ['a weekday that is not the right one', 'Mon, 06 Nov 1994 08:49:37 GMT'],
])('%s is read', (_, value) => {
  expect(parseHttpDate(value, now)).toBe(Date.UTC(1994, 10, 6, 8, 49, 37));
});

test.each([
  ['more than 32 bits of seconds', 'Sun, 21 Nov 2286 04:46:39 GMT', Date.UTC(2286, 10, 21, 4, 46, 39)],
  ['a leap second', 'Sat, 31 Dec 2016 23:59:60 GMT', Date.UTC(2017, 0, 1)],
  ['the last of February in a leap year', 'Thu, 29 Feb 2024 00:00:00 GMT', Date.UTC(2024, 1, 29)],
  ['a year before 100', 'Sun, 06 Nov 0094 08:49:37 GMT', new Date(0).setUTCFullYear(94, 10, 6) + 31_777_000],
])('%s is read', (_, value, time) => {
  expect(parseHttpDate(value, now)).toBe(time);
});

test.each([
  ['this year', '26', 2026],
  ['50 years ahead', '76', 2076],
  ['51 years ahead, so that it is past', '77', 1977],
  ['the last century', '99', 1999],
  ['the turn of the century', '00', 2000],
])('RFC 9110 5.6.7: a year of two digits, %s', (_, digits, year) => {
  expect(parseHttpDate(`Sunday, 06-Nov-${digits} 08:49:37 GMT`, now)).toBe(Date.UTC(year, 10, 6, 8, 49, 37));
});

test.each([
  ['nothing', ''],
  ['a number', '0'],
  ['another zone', 'Sun, 06 Nov 1994 08:49:37 UTC'],
  ['a numeric zone', 'Sun, 06 Nov 1994 08:49:37 +0000'],
  ['no zone', 'Sun, 06 Nov 1994 08:49:37'],
  ['a year of two digits', 'Sun, 06 Nov 94 08:49:37 GMT'],
  ['no comma', 'Sun 06 Nov 1994 08:49:37 GMT'],
  ['two spaces', 'Sun, 06  Nov  1994 08:49:37 GMT'],
  ['dashes with four digits', 'Sun, 06-Nov-1994 08:49:37 GMT'],
  ['dashes with a short weekday', 'Sun, 06-Nov-94 08:49:37 GMT'],
  ['full stops in the time', 'Sun, 06 Nov 1994 08.49.37 GMT'],
  ['an hour of one digit', 'Sun, 06 Nov 1994 8:49:37 GMT'],
  ['hour 24', 'Sun, 06 Nov 1994 24:00:00 GMT'],
  ['minute 60', 'Sun, 06 Nov 1994 08:60:37 GMT'],
  ['second 61', 'Sun, 06 Nov 1994 08:49:61 GMT'],
  ['day 0', 'Sun, 00 Nov 1994 08:49:37 GMT'],
  ['31 November', 'Thu, 31 Nov 1994 08:49:37 GMT'],
  ['29 February of no leap year', 'Sun, 29 Feb 2026 08:49:37 GMT'],
  ['no such month', 'Sun, 06 Nox 1994 08:49:37 GMT'],
  ['no such weekday', 'Son, 06 Nov 1994 08:49:37 GMT'],
  ['ISO 8601', '1994-11-06T08:49:37Z'],
  ['white space around', ' Sun, 06 Nov 1994 08:49:37 GMT'],
  ['a second line behind', 'Sun, 06 Nov 1994 08:49:37 GMT\n'],
])('%s is no HTTP-date', (_, value) => {
  expect(parseHttpDate(value, now)).toBeUndefined();
});

test('an IMF-fixdate is written', () => {
  expect(formatHttpDate(Date.UTC(1994, 10, 6, 8, 49, 37, 999))).toBe('Sun, 06 Nov 1994 08:49:37 GMT');
});

test('what is written is read again, whatever the present', () => {
  const seconds = fc.integer({ min: 0, max: Date.UTC(9999, 11, 31) / 1000 });
  fc.assert(
    fc.property(seconds, seconds, (then, present) => {
      expect(parseHttpDate(formatHttpDate(then * 1000), present * 1000)).toBe(then * 1000);
    }),
  );
});
