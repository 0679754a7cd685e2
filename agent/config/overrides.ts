// The configuration in effect: the file's, over it what the environment says, and over that what the command line says.
import { type Config, namedEdge } from '../../schemas/config.ts';

/** Options of `start`, as the command line gives them. */
export interface StartOptions {
  readonly port?: number;
  readonly host?: string;
  readonly controlPort?: number;
  readonly config?: string;
  readonly edge?: string;
  readonly token?: string;
  readonly allowPrivate?: boolean;
  /** False turns the caches of both halves off; true leaves them as the file has them. */
  readonly cache?: boolean;
  readonly log?: Config['log'];
}

/** Which option and which variable override a key. */
export interface Overriding {
  readonly option: keyof StartOptions;
  readonly flag: `--${string}`;
  readonly variable: `EDGEHOP_${string}`;
  /** As the documentation names it. */
  readonly key: string;
}

export const overridings: readonly Overriding[] = [
  { option: 'config', flag: '--config', variable: 'EDGEHOP_CONFIG', key: '(which file)' },
  { option: 'host', flag: '--host', variable: 'EDGEHOP_HOST', key: 'listen.host' },
  { option: 'port', flag: '--port', variable: 'EDGEHOP_PORT', key: 'listen.port' },
  { option: 'controlPort', flag: '--control-port', variable: 'EDGEHOP_CONTROL_PORT', key: 'listen.controlPort' },
  { option: 'edge', flag: '--edge', variable: 'EDGEHOP_EDGE', key: 'edge.use' },
  { option: 'token', flag: '--token', variable: 'EDGEHOP_TOKEN', key: 'edge.edges: token of the one in use' },
  {
    option: 'allowPrivate',
    flag: '--allow-private',
    variable: 'EDGEHOP_ALLOW_PRIVATE',
    key: 'admit.destinations.allowPrivate',
  },
  { option: 'cache', flag: '--no-cache', variable: 'EDGEHOP_CACHE', key: 'cache: both off where it is false' },
  { option: 'log', flag: '--log', variable: 'EDGEHOP_LOG', key: 'log' },
];

export type Environment = Readonly<Record<string, string | undefined>>;

export type FromEnvironment =
  | { readonly kind: 'read'; readonly options: StartOptions }
  | { readonly kind: 'wrong'; readonly because: string };

/** The options that the environment gives. A variable that is empty counts as not set. */
export function optionsOf(env: Environment): FromEnvironment {
  const options: Record<string, unknown> = {};
  for (const { option, variable } of overridings) {
    const text = env[variable];
    if (text === undefined || text === '') continue;
    const read = readers[option]?.(text) ?? { kind: 'read', value: text };
    if (read.kind === 'wrong') return { kind: 'wrong', because: `${variable} is ${read.because}, not "${text}".` };
    options[option] = read.value;
  }
  return { kind: 'read', options };
}

type Read = { readonly kind: 'read'; readonly value: unknown } | { readonly kind: 'wrong'; readonly because: string };

const readers: Partial<Record<keyof StartOptions, (text: string) => Read>> = {
  port: portOf,
  controlPort: portOf,
  allowPrivate: (text) => oneOf(text, { true: true, false: false }),
  cache: (text) => oneOf(text, { true: true, false: false }),
  log: (text) => oneOf(text, { pretty: 'pretty', json: 'json', quiet: 'quiet' }),
};

function portOf(text: string): Read {
  return /^\d{1,5}$/.test(text) && Number(text) <= 65535
    ? { kind: 'read', value: Number(text) }
    : { kind: 'wrong', because: 'a port from 0 to 65535' };
}

function oneOf(text: string, values: Readonly<Record<string, unknown>>): Read {
  return Object.hasOwn(values, text)
    ? { kind: 'read', value: values[text] }
    : { kind: 'wrong', because: `one of ${Object.keys(values).join(', ')}` };
}

export type Configured =
  | { readonly kind: 'configured'; readonly config: Config }
  /** A sentence that says what is wrong with the options. */
  | { readonly kind: 'wrong'; readonly because: string };

/** The file's configuration with the options laid over it. */
export function withOptions(config: Config, options: StartOptions): Configured {
  const edge = edgeWithOptions(config.edge, options);
  if (edge.kind === 'wrong') return edge;
  return {
    kind: 'configured',
    config: {
      ...config,
      listen: {
        host: options.host ?? config.listen.host,
        port: options.port ?? config.listen.port,
        controlPort: options.controlPort ?? config.listen.controlPort,
      },
      edge: edge.edge,
      cache: options.cache === false ? { agent: false, edge: 'off' } : config.cache,
      admit: {
        ...config.admit,
        destinations: {
          ...config.admit.destinations,
          allowPrivate: options.allowPrivate ?? config.admit.destinations.allowPrivate,
        },
      },
      log: options.log ?? config.log,
    },
  };
}

type EdgeConfigured =
  | { readonly kind: 'configured'; readonly edge: Config['edge'] }
  | { readonly kind: 'wrong'; readonly because: string };

/** A token goes to the edge in use: one that is named in the file, or one that is given by its URL and added to those. */
function edgeWithOptions(edge: Config['edge'], options: StartOptions): EdgeConfigured {
  const { edge: use = edge.use, token } = options;
  if (token !== undefined) {
    const judged = namedEdge.shape.token.safeParse(token);
    if (!judged.success) return wrong(`the token is too short: ${judged.error.issues[0]?.message}.`);
  }
  if (use === 'embedded' || use === 'none') return { kind: 'configured', edge: { ...edge, use } };
  const known = edge.edges.find(({ name, url }) => name === use || isSameOrigin(url, use));
  if (known !== undefined) {
    const taken = token === undefined ? known : { ...known, token };
    return {
      kind: 'configured',
      edge: { ...edge, use: known.name, edges: edge.edges.map((each) => (each === known ? taken : each)) },
    };
  }
  const isNew = /^https?:\/\//i.test(use) && (options.edge !== undefined || token !== undefined);
  if (!isNew) return { kind: 'configured', edge: { ...edge, use } }; // whoever looks for it says that there is none
  const judged = namedEdge.shape.url.safeParse(use);
  if (!judged.success) return wrong(`the URL of the edge is not right: ${judged.error.issues[0]?.message}.`);
  if (token === undefined) return wrong('an edge given by URL needs its token: add --token TOKEN.');
  const given = { name: new URL(use).hostname, url: use, token };
  return { kind: 'configured', edge: { ...edge, use, edges: [given, ...edge.edges] } };
}

function isSameOrigin(url: string, other: string): boolean {
  return URL.canParse(other) && new URL(url).origin === new URL(other).origin;
}

function wrong(because: string): { readonly kind: 'wrong'; readonly because: string } {
  return { kind: 'wrong', because };
}
