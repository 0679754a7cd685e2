// The steps of a deployment: worker, token, verification, configuration. Any of them may fail, and the same again goes on.
import type { Hello } from '../../schemas/api.ts';
import type { NamedEdge } from '../../schemas/config.ts';
import type { Clock } from '../clock.ts';
import type { EdgeCheck } from '../edge/deployed.ts';
import type { DeployNote } from './deploy-note.ts';
import { type DeployFailure, deployFailureInWords } from './deploy-words.ts';
import { Exit } from './exit.ts';
import { deployedWorker, saysLoggedOut, secretNames } from './wrangler-answers.ts';

export interface DeploymentPorts {
  /** Runs wrangler with these arguments; with `input` its output is kept. */
  readonly wrangler: (
    args: readonly string[],
    input?: string,
  ) => Promise<{
    readonly code: number | null;
    readonly stdout: string;
    readonly stderr: string;
    readonly records: string;
  }>;
  readonly check: (edge: NamedEdge) => Promise<EdgeCheck>;
  readonly clock: Pick<Clock, 'now'>;
  readonly pause: (forMs: number) => Promise<void>;
  readonly makeToken: () => string;
  readonly note: DeployNote;
  /** Puts the edge into the configuration; gives the path of that. Throws an Exit. */
  readonly store: (edge: NamedEdge) => string;
  readonly say: (sentence: string) => void;
}

export interface Deployment {
  /** Of the worker and of the edge in the configuration. */
  readonly name: string;
  /** Arguments of `wrangler deploy`. */
  readonly deployArgs: readonly string[];
  /** Arguments of its other commands: which configuration, which worker. */
  readonly workerArgs: readonly string[];
  /** The edge of this name that the configuration has. */
  readonly stored: NamedEdge | undefined;
  /** Where the worker is asked, instead of where wrangler says. */
  readonly url: string | undefined;
  /** Whether the stored edge may get another URL. */
  readonly mayReplace: boolean;
  /** Whether the worker gets a new token although it knows the stored one. */
  readonly rotates: boolean;
  /** How wrangler is run by hand. */
  readonly wranglerInWords: string;
}

export interface Deployed {
  readonly edge: NamedEdge;
  readonly hello: Hello;
  /** Of the configuration. */
  readonly path: string;
}

/** The secret of the worker that holds its tokens, and the name of ours in it: that of a machine would tell which it is. */
const secretName = 'EDGEHOP_TOKENS';
const tokenName = 'owner';

/** Ends the verb where a step fails, and says what is done by then. */
export async function deploy(deployment: Deployment, ports: DeploymentPorts): Promise<Deployed> {
  const { note, say, makeToken } = ports;
  const failed = failing(deployment);
  if (saysLoggedOut((await ports.wrangler(['whoami', '--json'], '')).stdout)) throw failed({ step: 'login' });
  const url = await deployWorker(deployment, ports);
  say(`the worker is deployed at ${url}; until it has a token it serves nobody`);
  const known = await knownToken(deployment, url, ports);
  let { answer } = known;
  if (answer === undefined) {
    const token = known.toPut ?? makeToken();
    // Whatever happens from here on: what the worker is given is known to this machine.
    note.write(token);
    await putToken(token, deployment, url, ports);
    answer = await firstAnswer(url, [token], maxWaitMs, deployment, ports);
  }
  if (answer.kind === 'unavailable') throw failed({ step: 'verify', url, because: answer.because });
  const { edge, hello } = answer;
  const path = stored(edge, deployment, ports);
  note.remove();
  return { edge, hello, path };
}

type Failing = (failure: Omit<DeployFailure, 'name' | 'wrangler'>) => Exit;

function failing({ name, wranglerInWords }: Deployment): Failing {
  return (failure) =>
    new Exit(
      failure.step === 'login' ? 'permission' : failure.step === 'verify' ? 'unavailable' : 'failed',
      deployFailureInWords({ ...failure, name, wrangler: wranglerInWords }),
    );
}

/** Gives the origin at which the worker is to be asked. */
async function deployWorker(deployment: Deployment, ports: DeploymentPorts): Promise<string> {
  const failed = failing(deployment);
  const { code, records } = await ports.wrangler(deployment.deployArgs);
  if (code !== 0) throw failed({ step: 'deploy' });
  const origins = deployedWorker(records)?.origins ?? [];
  const before = deployment.stored === undefined ? undefined : new URL(deployment.stored.url).origin;
  if (deployment.url === undefined && before !== undefined && origins.includes(before)) return before;
  const url = deployment.url ?? origins[0];
  if (url === undefined)
    throw failed({ step: 'target', because: 'wrangler tells no URL of it: add --url with where it is reached.' });
  if (before !== undefined && before !== url && !deployment.mayReplace) {
    const because = `the edge of this name in the configuration is ${before}, and this one is ${url}: --replace puts it in its place, --name gives it another.`;
    throw failed({ step: 'target', because });
  }
  return url;
}

type Answer =
  | { readonly kind: 'answers'; readonly edge: NamedEdge; readonly hello: Hello }
  | { readonly kind: 'unavailable'; readonly because: string };

interface KnownToken {
  /** Of the worker to a token that this machine knows; nothing where it has to be given one. */
  readonly answer?: Answer;
  readonly toPut?: string | undefined;
}

/** A worker that knows a token of ours keeps it, and the others that it may have. */
async function knownToken(deployment: Deployment, url: string, ports: DeploymentPorts): Promise<KnownToken> {
  const failed = failing(deployment);
  const { stored, rotates } = deployment;
  const noted = ports.note.read();
  const { code, stdout, stderr } = await ports.wrangler(['secret', 'list', ...deployment.workerArgs], '');
  const names = code === 0 ? secretNames(stdout) : undefined;
  if (names === undefined) throw failed({ step: 'secrets', url, because: lastWords(stderr) });
  if (!names.includes(secretName)) return { toPut: noted };
  if (rotates) return { toPut: noted };
  const ours = [noted, stored?.token].filter((token) => token !== undefined);
  if (ours.length === 0) throw failed({ step: 'tokens', url, because: 'none is stored here.' });
  const answer = await firstAnswer(url, ours, settleMs, deployment, ports);
  if (answer.kind === 'unavailable') throw failed({ step: 'tokens', url, because: answer.because });
  ports.say('the worker knows the token of this machine, and keeps it');
  return { answer };
}

async function putToken(token: string, deployment: Deployment, url: string, ports: DeploymentPorts): Promise<void> {
  const args = ['secret', 'put', secretName, ...deployment.workerArgs];
  const { code, stderr } = await ports.wrangler(args, `${tokenName}=${token}`);
  if (code === 0) return ports.say(`the worker has a token: secret ${secretName}`);
  const because = lastWords(stderr).replaceAll(token, '(the token)');
  throw failing(deployment)({ step: 'secret', url, because });
}

/** A name may take its time in DNS, and a secret on its way to all machines of the platform. */
const maxWaitMs = 90_000;
/** One that it has had before. */
const settleMs = 30_000;
const pauseMs = 2_000;

/** The first answer to one of these tokens; the last failure when the time is over. */
async function firstAnswer(
  url: string,
  tokens: readonly string[],
  waitMs: number,
  { name }: Deployment,
  { check, clock, pause, say }: DeploymentPorts,
): Promise<Answer> {
  const until = clock.now() + waitMs;
  let told = '';
  for (;;) {
    let because = '';
    for (const token of tokens) {
      const edge = { name, url, token };
      const answer = await check(edge);
      if (answer.kind === 'answers') return { kind: 'answers', edge, hello: answer.hello };
      because = answer.because;
    }
    if (clock.now() >= until) return { kind: 'unavailable', because };
    if (because !== told) say(`waiting for the worker to answer: ${because}`);
    told = because;
    await pause(pauseMs);
  }
}

function stored(edge: NamedEdge, deployment: Deployment, ports: DeploymentPorts): string {
  try {
    return ports.store(edge);
  } catch (cause) {
    if (!(cause instanceof Exit)) throw cause;
    throw failing(deployment)({ step: 'store', url: edge.url, because: cause.message });
  }
}

const maxWords = 400;

/** The end of what wrangler printed, without colours, on one line. */
function lastWords(text: string): string {
  // biome-ignore lint/complexity/useRegexLiterals: the escape sequence is easier to read so
  const colours = new RegExp('\\x1b\\[[0-9;]*m', 'g');
  return text.replace(colours, '').replace(/\s+/g, ' ').trim().slice(-maxWords);
}
