// Asks a deployed edge for its hello a few times over one connection: what it is, how far away, and what its clock says.
import type { EdgeGreeting } from '../../schemas/edge-status.ts';
import type { Clock } from '../clock.ts';
import { checkEdge, type EdgeCheck } from '../edge/deployed.ts';
import type { Edge } from '../edge/edge.ts';
import { createEdgeTiming } from '../edge/link.ts';

const timeoutMs = 10_000;
/** The first brings the connection up and tells nothing of the round trip. Each costs a request of the platform's plan. */
const greetings = 5;

/** Never rejects. */
export async function greet(edge: Pick<Edge, 'ready'>, clock: Clock): Promise<EdgeGreeting> {
  const timing = createEdgeTiming();
  const first = await greetOnce(edge, clock);
  let latest = first;
  for (let count = 1; count < greetings && latest.check.kind === 'answers'; count++) {
    latest = await greetOnce(edge, clock);
    note(timing, latest);
  }
  const { check } = latest;
  if (check.kind === 'unavailable') return check;
  const { offsetMs, errorMs, roundTrip } = note(timing, latest);
  return {
    kind: 'answers',
    hello: check.hello,
    firstAnswerMs: rounded(first.receivedAt - first.sentAt),
    roundTripMs: rounded(roundTrip?.minimumMs ?? latest.receivedAt - latest.sentAt),
    clockOffsetMs: rounded(offsetMs),
    clockErrorMs: rounded(errorMs),
  };
}

/** Times in milliseconds since 1970. */
interface Greeting {
  readonly check: EdgeCheck;
  readonly sentAt: number;
  readonly receivedAt: number;
}

async function greetOnce(edge: Pick<Edge, 'ready'>, clock: Clock): Promise<Greeting> {
  const sentAt = clock.now();
  const check = await checkEdge(edge, timeoutMs).catch(unavailable);
  const receivedAt = clock.now();
  const anchor = clock.wallTime(sentAt) - sentAt;
  return { check, sentAt: sentAt + anchor, receivedAt: receivedAt + anchor };
}

function unavailable(cause: unknown): EdgeCheck {
  return { kind: 'unavailable', because: cause instanceof Error ? cause.message : String(cause) };
}

/** The edge tells one time, of when it answered: it received and returned by that. */
function note(
  timing: ReturnType<typeof createEdgeTiming>,
  { check, sentAt, receivedAt }: Greeting,
): ReturnType<ReturnType<typeof createEdgeTiming>['timed']> {
  const edgeTimeMs = check.kind === 'answers' ? check.hello.edgeTimeMs : Number.NaN;
  return timing.timed(sentAt, { 'edge-received': edgeTimeMs, 'edge-returned': edgeTimeMs }, receivedAt);
}

function rounded(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
