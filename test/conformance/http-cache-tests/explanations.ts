// Why a test of the suite is not passed by us, by name: what the platform makes impossible, what we refuse to do, and what
// the suite's older edition asks otherwise than RFC 9111 does.
import type { SubjectName } from './subjects.ts';
import type { EditionKind } from './suite.ts';

export interface Explanation {
  /** Of which edition; of both where nothing is said. */
  readonly edition?: EditionKind;
  readonly subjects: readonly SubjectName[];
  readonly tests: readonly string[];
  /** Sentences, with the section that says so. */
  readonly because: string;
}

const ours = ['both', 'agent', 'edge', 'socket'] as const;

export const explanations: readonly Explanation[] = [
  {
    subjects: ours,
    tests: ['headers-store-Set-Cookie', 'other-set-cookie'],
    because:
      "Refused (ATTACKS.md E04): one client's cookie would be set for all others. No cache has to store (RFC 9111 3).",
  },
  {
    subjects: ours,
    tests: ['headers-store-Transfer-Encoding'],
    because:
      'Refused (ATTACKS.md B01): the origin applies a transfer coding that nobody knows. Taken off unread, it would leave other content than was sent, so the answer is 502.',
  },
  {
    subjects: ['both', 'edge'],
    tests: ['interim-102', 'interim-103', 'interim-not-cached', 'interim-no-header-reuse'],
    because:
      "The platform's `fetch` takes an interim response for the final one, and the final one for its content (`test/worker/exchange/fetch-exchange.test.ts`). The edge asks again by a connection of its own and the client gets both responses, but the suite counts the second request. Asked by socket in the first place, the edge passes.",
  },
  {
    subjects: ours,
    tests: [404, 405, 410, 414, 501].map((status) => `heuristic-${status}-cached`),
    because: 'Refused (ATTACKS.md E09): an error that says nothing of how long it is fresh is not stored.',
  },
  {
    subjects: ours,
    tests: ['vary-normalise-lang-select'],
    because:
      'The stored response may be the best for `en, de` alone: which of several an origin would choose is not known. RFC 9111 4.1.',
  },
  {
    subjects: ours,
    tests: ['conditional-lm-fresh-no-lm'],
    because:
      'Without Last-Modified, Date stands for it, and it is later than the date asked about: modified. RFC 9111 4.3.2.',
  },
  {
    subjects: ours,
    tests: ['partial-store-partial-complete'],
    because: 'Parts are put together only by a strong validator, and these have none. RFC 9111 3.4.',
  },
  {
    edition: 'older',
    subjects: ours,
    tests: [
      'age-parse-nonnumeric',
      'age-parse-negative',
      'age-parse-float',
      'age-parse-prefix-twoline',
      'age-parse-dup-0',
      'age-parse-dup-0-twoline',
      'age-parse-dup-old',
      'age-parse-parameter',
      'age-parse-numeric-parameter',
    ],
    because:
      'RFC 9111 5.1 has the first member count, and an invalid Age be ignored; the newer edition asks the opposite of this one.',
  },
  {
    edition: 'older',
    subjects: ours,
    tests: ['304-etag-update-response-ETag'],
    because:
      'A 304 with another strong entity tag is not about what is stored: we ask again without our condition (RFC 9111 4.3.4), and the suite counts the second request. The newer edition merely asks.',
  },
  {
    edition: 'older',
    subjects: ours,
    tests: ['304-etag-update-response-Set-Cookie'],
    because: 'Not stored (ATTACKS.md E04), so there is nothing to validate. The newer edition merely asks.',
  },
  {
    edition: 'older',
    subjects: ours,
    tests: ['must-revalidate', 'proxy-revalidate', 'no-cache', 's-maxage=2'].map((what) => `stale-close-${what}`),
    because:
      'No cache can pass: our 502 lacks the field by which this edition tells who has answered. The newer edition mends it.',
  },
];

/** Undefined when it is simply wrong. */
export function explanationOf(subject: SubjectName, edition: EditionKind, test: string): string | undefined {
  return explanations.find(
    (one) =>
      (one.edition === undefined || one.edition === edition) &&
      one.subjects.includes(subject) &&
      one.tests.includes(test),
  )?.because;
}
