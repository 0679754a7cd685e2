// What became of the fields of a request on its way.
import { type Fields, fieldValues } from '../../http/fields.ts';
import type { FieldDifference } from '../../schemas/whoami.ts';

/** Compares by name; case does not count, nor does the order of lines with different names. RFC 9110 5.1 and 5.3. */
export function fieldDifference(sent: Fields, received: Fields): FieldDifference {
  const before = namesOf(sent);
  const after = namesOf(received);
  const kept = before.filter((name) => after.includes(name));
  return {
    added: received.filter(([name]) => !before.includes(name.toLowerCase())),
    changed: kept.flatMap((name) => {
      const [from, to] = [fieldValues(sent, name), fieldValues(received, name)];
      return from.length === to.length && from.every((value, at) => value === to[at]) ? [] : [{ name, from, to }];
    }),
    leftOut: sent.filter(([name]) => !after.includes(name.toLowerCase())),
    sameOrder: after.filter((name) => kept.includes(name)).every((name, at) => name === kept[at]),
    sameSpelling: received.every(
      ([name]) => !kept.includes(name.toLowerCase()) || sent.some(([other]) => other === name),
    ),
  };
}

/** Each name once, in lower case, in the order of the first lines. */
function namesOf(fields: Fields): string[] {
  return [...new Set(fields.map(([name]) => name.toLowerCase()))];
}
