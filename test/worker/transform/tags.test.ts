// Entity tags of transformed content, there and back.
import { describe, expect, test } from 'vitest';
import {
  ledBack,
  notModifiedFields,
  transformedTag,
  transformId,
  withTransformedTag,
} from '../../../worker/transform/tags.ts';

const id = '0123abcd';

describe('a tag', () => {
  test.each([
    ['"v1"', `W/"v1~eh${id}s"`],
    ['W/"v1"', `W/"v1~eh${id}w"`],
    ['""', `W/"~eh${id}s"`],
    [' "a"', `W/"a~eh${id}s"`],
    ['v1', undefined],
    ['"a" b"', undefined],
  ])('%s', (origin, expected) => {
    expect(transformedTag(origin, id)).toBe(expected);
  });

  test('that is none goes, and so do two', () => {
    expect(withTransformedTag([['ETag', 'v1']], id)).toEqual([]);
    expect(
      withTransformedTag(
        [
          ['ETag', '"a"'],
          ['etag', '"b"'],
        ],
        id,
      ),
    ).toEqual([]);
  });
});

describe('a condition', () => {
  const asking = (value: string) => [['If-None-Match', value]] as const;
  test.each([
    ['is led back to a strong tag', `W/"v1~eh${id}s"`, '"v1"'],
    ['is led back to a weak tag', `W/"v1~eh${id}w"`, 'W/"v1"'],
    ['among others', `"a", W/"v1~eh${id}s"`, '"a", "v1"'],
    ['of another transform stays', 'W/"v1~eh99999999s"', 'W/"v1~eh99999999s"'],
    ['that stands for anything stays', '*', '*'],
    ['of a client that has both stays about what it is about', `"v1", W/"v1~eh${id}s"`, `"v1", W/"v1~eh${id}s"`],
  ])('%s', (_, value, expected) => {
    expect(ledBack(asking(value), [id]).fields).toEqual([['If-None-Match', expected]]);
  });

  test('is answered with the tag that was asked about', () => {
    const { tags } = ledBack(asking(`W/"v1~eh${id}s"`), [id]);
    expect(
      notModifiedFields(
        [
          ['ETag', '"v1"'],
          ['X-A', 'b'],
        ],
        tags,
      ),
    ).toEqual([
      ['X-A', 'b'],
      ['ETag', `W/"v1~eh${id}s"`],
    ]);
    expect(notModifiedFields([['ETag', '"v2"']], tags)).toBeUndefined();
    expect(notModifiedFields([], tags)).toBeUndefined();
  });
});

test('transforms that differ have ids that differ', async () => {
  const one = await transformId({ compress: true });
  expect(one).toMatch(/^[0-9a-f]{8}$/);
  expect(await transformId({ compress: true })).toBe(one);
  expect(await transformId({ compress: true, image: {} })).not.toBe(one);
});
