// Timestamps in fields. RFC 9110 5.6.7.

/** Milliseconds since 1970. */
type Time = number;

/**
 * Reads an HTTP-date in any of the three formats, in any case (RFC 9111 4.2), whatever its day of the week. `now` tells
 * the century of a year of two digits: at most 50 years ahead of it. Nothing where it is not such a date.
 */
export function parseHttpDate(value: string, now: Time): Time | undefined {
  const text = value.toLowerCase();
  const [, day = '', month = '', year = '', time = ''] = imfFixdate.exec(text) ?? rfc850Date.exec(text) ?? [];
  if (time !== '')
    return timeOf(Number(day), month, year.length === 2 ? fullYear(Number(year), now) : Number(year), time);
  const [, ansiMonth = '', ansiDay = '', ansiTime = '', ansiYear = ''] = asctimeDate.exec(text) ?? [];
  return ansiTime === '' ? undefined : timeOf(Number(ansiDay), ansiMonth, Number(ansiYear), ansiTime);
}

/** Writes an IMF-fixdate, with the fraction of the second cut off. For years from 0 to 9999. */
export function formatHttpDate(time: Time): string {
  return new Date(time).toUTCString();
}

const monthNames = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const month = `(${monthNames.join('|')})`;
const clock = '(\\d\\d:\\d\\d:\\d\\d)';
const imfFixdate = new RegExp(`^(?:mon|tue|wed|thu|fri|sat|sun), (\\d\\d) ${month} (\\d{4}) ${clock} gmt$`);
const rfc850Date = new RegExp(
  `^(?:monday|tuesday|wednesday|thursday|friday|saturday|sunday), (\\d\\d)-${month}-(\\d\\d) ${clock} gmt$`,
);
const asctimeDate = new RegExp(`^(?:mon|tue|wed|thu|fri|sat|sun) ${month} (\\d\\d| \\d) ${clock} (\\d{4})$`);

const maxYearsAhead = 50;

function fullYear(twoDigits: number, now: Time): number {
  const thisYear = new Date(now).getUTCFullYear();
  const latest = thisYear + maxYearsAhead;
  return latest - ((((latest - twoDigits) % 100) + 100) % 100);
}

function timeOf(day: number, monthName: string, year: number, clockTime: string): Time | undefined {
  const [hours = 0, minutes = 0, seconds = 0] = clockTime.split(':').map(Number);
  if (hours > 23 || minutes > 59 || seconds > 60) return undefined;
  const date = new Date(0);
  date.setUTCFullYear(year, monthNames.indexOf(monthName), day);
  if (day === 0 || date.getUTCDate() !== day) return undefined;
  return date.getTime() + ((hours * 60 + minutes) * 60 + seconds) * 1000;
}
