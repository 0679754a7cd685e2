// What names an edge in the configuration: judged before it is written there, and suggested where it was mistyped.
import { type Config, type NamedEdge, namedEdge } from '../../schemas/config.ts';
import { nearest } from '../config/nearest.ts';
import { mayCarryToken } from '../edge/deployed.ts';
import { Exit } from './exit.ts';

/** Values of `edge.use` that are no names. */
export const unnamed = ['embedded', 'none'] as const;

/** Ends the verb with 2 where no edge can have this name. */
export function judgeName(name: string): void {
  if (unnamed.some((word) => word === name.toLowerCase()))
    throw new Exit('usage', `"${name}" is not free for an edge of yours: it has a meaning of its own in edge.use.`);
  const judged = namedEdge.shape.name.safeParse(name);
  if (!judged.success) throw new Exit('usage', `"${name}" cannot name an edge: ${judged.error.issues[0]?.message}.`);
}

/** Scheme, host and port of an edge's URL. Ends the verb with 2 where the token may not be sent there. */
export function judgedUrl(text: string): string {
  const judged = namedEdge.shape.url.safeParse(text);
  if (!judged.success) throw new Exit('usage', `the URL of the edge is not right: ${judged.error.issues[0]?.message}.`);
  if (!mayCarryToken(text))
    throw new Exit(
      'usage',
      'the URL of an edge must be https, for it carries the token; http only to a loopback address.',
    );
  return new URL(text).origin;
}

/** Ends the verb with 2 where no edge can have this token. The token is not told. */
export function judgeToken(token: string): void {
  const judged = namedEdge.shape.token.safeParse(token);
  if (!judged.success) throw new Exit('usage', `the token is not right: ${judged.error.issues[0]?.message}.`);
  if (!/^[\x21-\x7e]{1,512}$/.test(token))
    throw new Exit('usage', 'the token is not right: it has 16 to 512 visible ASCII characters, and no white space.');
}

/** Which edge of the configuration has this name: its index, -1 where there is none. */
export function indexOfEdge(edges: readonly NamedEdge[], name: string): number {
  return edges.findIndex((edge) => edge.name === name);
}

/** Why `edge.use` cannot be this, and what it can be; nothing where it can. */
export function whyNotUsed(use: string, { edge: { edges } }: Pick<Config, 'edge'>): string | undefined {
  const known = [...unnamed, ...edges.map(({ name }) => name)];
  if (known.includes(use)) return undefined;
  const meant = nearest(use, known);
  const suggestion = meant === undefined ? '' : ` Did you mean "${meant}"?`;
  return `there is no edge "${use}".${suggestion} There are: ${known.join(', ')}. \`edgehop edge add\` adds one.`;
}
