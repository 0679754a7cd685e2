// The order of use: like an array that is sorted anew at each use, whatever happens to it.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Linked, Recency } from '../../../agent/cache/recency.ts';

interface Member extends Linked<Member> {
  readonly name: number;
}

const act = fc.oneof(
  fc.record({ kind: fc.constant('use' as const), name: fc.nat(5) }),
  fc.record({ kind: fc.constant('remove' as const), name: fc.nat(5) }),
  fc.record({ kind: fc.constant('cool' as const), name: fc.constant(0) }),
);

test('is as an array would have it', () => {
  fc.assert(
    fc.property(fc.array(act, { maxLength: 40 }), fc.nat(3), (acts, cold) => {
      const members = Array.from({ length: 6 }, (_, name): Member => ({ name, newer: undefined, older: undefined }));
      const recency = new Recency<Member>();
      let order: number[] = [];
      let warm = 0;
      for (const member of members.slice(0, cold)) {
        recency.addCold(member);
        order.unshift(member.name);
      }
      for (const { kind, name } of acts) {
        const member = members[name] as Member;
        const place = order.indexOf(name);
        if (kind === 'cool') {
          recency.cool();
          warm = Math.max(0, warm - 1);
          continue;
        }
        if (place !== -1 && place < warm) warm--;
        order = order.filter((other) => other !== name);
        if (kind === 'remove') recency.remove(member);
        else {
          recency.use(member);
          order.unshift(name);
          warm++;
        }
        expect([...recency].map((each) => each.name)).toEqual(order);
        expect(recency.oldest?.name).toBe(order.at(-1));
        expect(recency.oldestWarm?.name).toBe(order[warm - 1]);
      }
    }),
  );
});
