// Sends octets of any kind as a client does, and judges what an origin and the client then get: no desynchronisation.
import { setImmediate as turn } from 'node:timers/promises';
import { type Client, connectClient, getOnce } from './client.ts';
import { startStrictOrigin } from './strict-origin.ts';
import { type ScannedRequest, type ScannedResponse, scanRequests, scanResponses } from './strict-scan.ts';

/** `whole`: one write. `octets`: one write for each octet, and none before the one before has been read. */
export type Pace = 'whole' | 'octets';
export const paces = ['whole', 'octets'] as const satisfies readonly Pace[];

/** In a template: where the origin is, and something that no other case has. */
export const placeholders = { origin: '{{ORIGIN}}', id: '{{ID}}' } as const;

let count = 0;

/**
 * Replays a template (one octet a character) to an agent, with a sentinel right behind it on the same connection. Gives
 * what was wrong, nothing when all was well: what reaches origin and client is HTTP by the letter, no more requests go
 * up than came, content is what it was, the sentinel gets its own answer, and a new connection works.
 */
export async function replayRequest(proxyPort: number, template: string, pace: Pace): Promise<string[]> {
  await using origin = await startStrictOrigin();
  const host = `127.0.0.1:${origin.port}`;
  const id = String(++count);
  const raw = template.replaceAll(placeholders.origin, host).replaceAll(placeholders.id, id);
  const sentinel = `/sentinel-${id}`;
  const asked = scanRequests(Buffer.from(raw, 'latin1'), 'proxy');
  const isSound = asked.violation === undefined && !asked.isMidHead && asked.messages.every((each) => each.isComplete);
  using client = await connectClient(proxyPort);
  const all = `${raw}GET http://${host}${sentinel} HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
  await send(client, all, pace);
  const methods = [...asked.messages.map(({ method }) => method), 'GET', 'GET'];
  const isAnswered = () => {
    const { messages } = scanResponses(client.octets.all(), methods, false);
    return messages.filter(isFinal).length > asked.messages.length;
  };
  if (isSound) await until(client, isAnswered);
  const after = `/after-${id}`;
  const fresh = await getOnce(proxyPort, `http://${host}${after}`);
  client.socket.end();
  const answers = scanResponses(await client.octets.rest(), methods, (await client.ended) === 'end');
  const finals = answers.messages.filter(isFinal);
  const wrong: string[] = origin.violations().map((each) => `to the origin: ${each}`);
  if (answers.violation !== undefined) wrong.push(`to the client: ${answers.violation}`);
  if (fresh.content.toString() !== after) wrong.push(`a new connection got ${fresh.startLine} ${fresh.content}`);
  const relayed = origin.requests().filter(({ target }) => target !== after && target !== sentinel);
  const most = asked.messages.length + (isSound ? 0 : 1);
  if (relayed.length > most) wrong.push(`${relayed.length} requests upstream where ${most} came: ${linesOf(relayed)}`);
  if (finals.length > most + 1) wrong.push(`${finals.length} answers to ${most + 1} requests`);
  // What a request lacks it takes from the sentinel.
  const filled = scanRequests(Buffer.from(all, 'latin1'), 'proxy');
  const sound = filled.isInContent ? filled.messages.slice(0, -1) : filled.messages; // what is broken may be made sound
  for (const index of asked.messages.keys()) wrong.push(...differences(sound[index], relayed[index], isSound));
  if (isSound) {
    const last = finals[asked.messages.length];
    const isOwn = last?.content.toString() === sentinel;
    const isClosed = finals.at(-1)?.values('connection').includes('close') === true;
    if (!isOwn && !isClosed) wrong.push(`the sentinel got ${last?.startLine ?? 'nothing'} ${last?.content ?? ''}`);
  }
  const targets = new Set(['', ...origin.requests().map(({ target }) => target)]);
  const stranger = finals.find(({ status, content }) => status === 200 && !targets.has(content.toString('latin1')));
  if (stranger !== undefined) wrong.push(`an answer that is nobody's: ${stranger.content}`);
  return wrong;
}

/** Writes what a case is, at its pace. What the other side no longer wants is not written. */
export async function send(client: Client, text: string, pace: Pace): Promise<void> {
  if (pace === 'whole') return client.send(text);
  for (const octet of text) {
    if (!client.socket.writable) return;
    client.send(octet);
    await turn();
  }
}

/** Whoever has not answered by then never will. */
const patienceMs = 8_000;

/** Resolves when the condition holds or the connection has ended, or when that is in vain. */
export async function until(client: Client, holds: () => boolean): Promise<void> {
  let isOver = false;
  const { promise: over, resolve } = Promise.withResolvers<void>();
  const giveUp = () => {
    isOver = true;
    resolve();
  };
  const patience = setTimeout(giveUp, patienceMs);
  void client.ended.then(giveUp);
  while (!holds() && !isOver) {
    await Promise.race([over, new Promise((more) => client.socket.once('data', more))]);
    await turn();
  }
  clearTimeout(patience);
}

function isFinal({ status }: ScannedResponse): boolean {
  return status >= 200;
}

/** A request that arrives arrives as it was sent: its method, its content, and that this is not whole when it was not. */
function differences(
  asked: ScannedRequest | undefined,
  relayed: ScannedRequest | undefined,
  wasAwaited: boolean,
): string[] {
  if (asked === undefined || relayed === undefined) return []; // refused
  if (relayed.method !== asked.method) return [`${asked.method} became ${relayed.method}`];
  if (!asked.hasAllContent) return relayed.isComplete ? ['a request that was cut looks whole to the origin'] : [];
  if (!relayed.isComplete && !wasAwaited) return []; // the client has left in between
  if (relayed.content.equals(asked.content)) return [];
  return [`content ${JSON.stringify(`${asked.content}`)} became ${JSON.stringify(`${relayed.content}`)}`];
}

function linesOf(requests: readonly ScannedRequest[]): string {
  return requests.map(({ startLine }) => startLine).join(' | ');
}
