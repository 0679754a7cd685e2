// Lets an origin answer with octets of any kind, and judges what the client then gets: nothing that is not HTTP, not cut, or not its own.
import { setImmediate as turn } from 'node:timers/promises';
import { connectClient, getOnce } from './client.ts';
import { type Pace, placeholders, until } from './replay-request.ts';
import { echoTarget, startStrictOrigin } from './strict-origin.ts';
import { type ScannedResponse, scanResponses } from './strict-scan.ts';

/**
 * What stands towards the origin. workerd's fetch knows no trailers, chunk extensions, interim responses and octets that
 * are not UTF-8, and uses a connection again on which octets are left: such a response may fail, and so may the next, but
 * in words or by a cut.
 */
export type Carrier = 'exact' | 'fetch';

let count = 0;

/**
 * Asks an agent for something that the origin answers with a template (one octet a character), and for more on the same
 * connection and on new ones. Gives what was wrong, nothing when all was well: the client gets HTTP by the letter; what
 * is relayed has the origin's status and content; what was cut or went wrong behind its head never looks whole; the
 * requests after it get their own answers.
 */
export async function replayResponse(
  proxyPort: number,
  template: string,
  pace: Pace,
  carrier: Carrier = 'exact',
): Promise<string[]> {
  const id = String(++count);
  const [path, sentinel] = [`/c/${id}`, `/sentinel-${id}`];
  let raw = '';
  await using origin = await startStrictOrigin(async (request, socket) => {
    if (request.target !== path) return echoTarget(request, socket);
    for (const part of pace === 'whole' ? [raw] : octetsOf(raw)) {
      if (!socket.writable) return;
      socket.write(part, 'latin1');
      if (pace === 'octets') await turn();
    }
    if (!staysOpen(raw)) socket.end();
  });
  const host = `127.0.0.1:${origin.port}`;
  raw = template.replaceAll(placeholders.origin, host).replaceAll(placeholders.id, id);
  using client = await connectClient(proxyPort);
  // The condition makes a 304 an answer.
  const get = (target: string) =>
    client.send(`GET http://${host}${target} HTTP/1.1\r\nHost: ${host}\r\nIf-None-Match: "-"\r\n\r\n`);
  const finals = (methods: readonly string[]) =>
    scanResponses(client.octets.all(), methods, false).messages.filter(
      ({ status, isComplete }) => status >= 200 && isComplete,
    );
  get(path);
  await until(client, () => finals(['GET']).length > 0);
  get(sentinel);
  await until(client, () => finals(['GET', 'GET']).length > 1);
  client.socket.end();
  const wrong: string[] = [];
  /** Of those who come after octets that are no response. */
  const mayFail = carrier === 'fetch' && !isClean(raw);
  const isOwn = (answer: Answer | undefined, target: string) =>
    answer !== undefined && (answer.content.toString() === target || (mayFail && isOwnError(answer)));
  for (const target of [`/after-${id}`, `/again-${id}`]) {
    const { content, startLine, status, values } = await getOnce(proxyPort, `http://${host}${target}`);
    if (!isOwn({ content, status, values }, target)) wrong.push(`a new connection got ${startLine} ${content}`);
  }
  const answers = scanResponses(await client.octets.rest(), ['GET', 'GET'], (await client.ended) === 'end');
  if (answers.violation !== undefined) wrong.push(`to the client: ${answers.violation}`);
  const [first, second] = answers.messages.filter(({ status }) => status >= 200);
  wrong.push(...origin.violations().map((each) => `to the origin: ${each}`), ...differences(raw, first, mayFail));
  const isClosed = first === undefined || !first.isComplete || first.values('connection').includes('close');
  if (!isOwn(second, sentinel) && !(second === undefined && isClosed))
    wrong.push(`the sentinel got ${second?.startLine ?? 'nothing'} ${second?.content ?? ''}`);
  return wrong;
}

/**
 * One octet each, and what is left behind the response together with its last one: whoever uses the connection again
 * before he can see that something is left does no wrong.
 */
function octetsOf(raw: string): string[] {
  const scan = scanResponses(Buffer.from(raw, 'latin1'), ['GET'], true);
  const last = scan.messages.some(({ status, isComplete }) => status >= 200 && isComplete) ? scan.end - 1 : raw.length;
  return [...raw.slice(0, last), raw.slice(last)];
}

/** A sender that has said all it announced keeps its connection, and so do surplus octets behind that. */
function staysOpen(raw: string): boolean {
  const [first] = finalOf(raw);
  return first?.isComplete === true && first.framing !== 'close';
}

/** Whether these octets are one response and nothing more, and nothing in it that fetch does not know. */
function isClean(raw: string): boolean {
  const { messages, violation, end, isMidHead } = scanResponses(Buffer.from(raw, 'latin1'), ['GET'], true);
  const isWhole = violation === undefined && !isMidHead && end === raw.length && messages.length === 1;
  return isWhole && messages.every(isPlain) && !/^content-length:.*[\t ]\r$/im.test(raw);
}

function isPlain({ isComplete, hasChunkExtensions, trailers, fields }: ScannedResponse): boolean {
  const isText = fields.every(([, value]) => !/[\x80-\xff]/.test(value));
  return isComplete && isText && !hasChunkExtensions && trailers.length === 0;
}

/** The one final response that these octets begin with, and whether they are HTTP up to its end. */
function finalOf(raw: string): [final: ScannedResponse | undefined, violation: string | undefined] {
  const { messages, violation } = scanResponses(Buffer.from(raw, 'latin1'), ['GET'], true);
  const final = messages.find(({ status }) => status >= 200 || status === 101);
  return [final, final?.isComplete === true ? undefined : violation];
}

/** Compares what was relayed with what was sent. Only what is no sound response may become an error of the agent's. */
function differences(raw: string, relayed: ScannedResponse | undefined, mayFail: boolean): string[] {
  const [sent, violation] = finalOf(raw);
  if (mayFail && relayed?.isComplete !== true) return [];
  if (relayed === undefined || isOwnError(relayed)) {
    if (mayFail) return [];
    const isWelcome = sent?.isComplete === true && sent.status >= 200 && sent.status < 600 && sent.status !== 407;
    return isWelcome ? [`a sound response became ${relayed?.startLine ?? 'nothing'}`] : [];
  }
  if (sent === undefined) return violation === undefined ? ['an answer to half a head'] : []; // was made sound
  if (sent.status !== relayed.status) return [`${sent.status} became ${relayed.status}`];
  if (violation !== undefined) {
    // Wrong behind its head: it may be cut there, or made sound.
    const common = Math.min(sent.content.length, relayed.content.length);
    if (sent.content.subarray(0, common).equals(relayed.content.subarray(0, common))) return [];
  } else if (!sent.hasAllContent) return relayed.isComplete ? [`cut content looks whole: ${relayed.content}`] : [];
  else if (!relayed.isComplete) return sent.isComplete ? ['whole content was cut'] : [];
  if (relayed.content.equals(sent.content)) return [];
  return [`content ${JSON.stringify(`${sent.content}`)} became ${JSON.stringify(`${relayed.content}`)}`];
}

type Answer = Pick<ScannedResponse, 'status' | 'values' | 'content'>;

function isOwnError({ status, values }: Answer): boolean {
  return status >= 500 && values('proxy-status').some((value) => value.includes('error='));
}
