// Targets of redirects and rewrites: URLs with {placeholders}, filled in from the request.
import { parseRequestTarget } from '../request-target.ts';
import { type ExchangeRequest, pathOnly, queryOnly } from './facts.ts';

export type Filled =
  /** Canonical, without userinfo and fragment. */
  | { readonly kind: 'url'; readonly url: string }
  /** `because` is a fragment for people. It never repeats what was sent. */
  | { readonly kind: 'no-url'; readonly because: string };

/** Names of placeholders beside the numbers of captures. */
export const placeholderNames = ['scheme', 'host', 'port', 'path', 'query', 'url'] as const;

type PlaceholderName = (typeof placeholderNames)[number];

/** A target taken apart: texts as they stand, and what is to be filled in. */
type Piece =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'part'; readonly name: PlaceholderName; readonly place: Place }
  | { readonly kind: 'capture'; readonly number: number; readonly place: Place };

/** Where in the URL something is filled in. `start`: it is the beginning of the URL, and can bring its own host. */
type Place = 'start' | 'authority' | 'path' | 'query';

export interface Target {
  /** The highest number of a capture that it names; 0 where it names none. */
  readonly captures: number;
  fill(request: ExchangeRequest, captures: readonly string[]): Filled;
}

export type CompiledTarget = { readonly kind: 'target'; readonly target: Target } | Wrong;

interface Wrong {
  readonly kind: 'wrong';
  /** A sentence without its end. */
  readonly because: string;
}

/** Reads a target once, or says why none of its fillings can be a URL to ask for. */
export function compileTarget(text: string): CompiledTarget {
  const pieces = piecesOf(text);
  const [first] = pieces;
  const unknown = pieces.find((piece) => piece.kind === 'wrong');
  if (unknown?.kind === 'wrong') return unknown;
  const known = pieces.filter((piece) => piece.kind !== 'wrong');
  const isUrl =
    /^(?:https?:\/\/|\{scheme\}:\/\/)/i.test(text) ||
    first?.kind === 'capture' ||
    (first?.kind === 'part' && first.name === 'url');
  if (!isUrl) return wrong('a target begins with http://, https://, {scheme}:// or {url}, or with what a `*` matched');
  if (text.includes('#')) return wrong('a target has no fragment: it would not be sent');
  if (/^[^/]*\/\/[^/?]*@/.test(text)) return wrong('a target has no userinfo: set the field Authorization');
  const goingOn = hostGoingOn(text);
  if (goingOn !== undefined) {
    return wrong(
      `${goingOn} would go on with the name of the host, so that whoever asks chooses it: write a slash ahead`,
    );
  }
  const target: Target = {
    captures: Math.max(0, ...known.map((piece) => (piece.kind === 'capture' ? piece.number : 0))),
    fill: (request, captures) => filled(known, request, captures),
  };
  return { kind: 'target', target };
}

/** A capture right behind a name with a dot, where nothing of the host follows: `https://www.example.com{1}`. */
function hostGoingOn(text: string): string | undefined {
  return /^[^/]*\/\/[^/?{}]*\.[^/?{}:]*[^/?{}:.](\{[1-9]\d?\})(?:[/?:]|\{path\}|\{query\}|$)/.exec(text)?.[1];
}

function piecesOf(text: string): (Piece | Wrong)[] {
  let before = '';
  return text
    .split(/(\{[^{}]*\})/)
    .filter((part) => part !== '')
    .map((part) => {
      const place = placeBehind(before);
      before += part;
      const name = /^\{(.*)\}$/s.exec(part)?.[1];
      if (name === undefined) return { kind: 'text', text: part };
      if (/^[1-9]\d?$/.test(name)) return { kind: 'capture', number: Number(name), place };
      const known = placeholderNames.find((each) => each === name);
      if (known !== undefined) return { kind: 'part', name: known, place };
      return wrong(`{${name}} is none of {${placeholderNames.join('}, {')}}, {1}, {2} and so on`);
    });
}

function placeBehind(before: string): Place {
  if (before === '') return 'start';
  if (before.includes('?')) return 'query';
  if (before.startsWith('{url}') || /^\{[1-9]/.test(before)) return 'path';
  return /^[^/]*\/\/[^/]*\//.test(before.replaceAll('{path}', '/')) ? 'path' : 'authority';
}

function filled(pieces: readonly Piece[], request: ExchangeRequest, captures: readonly string[]): Filled {
  let text = '';
  for (const [at, piece] of pieces.entries()) {
    const value = piece.kind === 'text' ? piece.text : filling(piece, request, captures);
    const isAlone = text.endsWith('://') && at === pieces.length - 1;
    if (!isAlone && endsHost(piece, text) && /[/?#@\\\s]/.test(value))
      return { kind: 'no-url', because: 'what is to be filled in there is no part of a host' };
    text += value;
  }
  return canonicalTarget(text);
}

/**
 * Whether a delimiter in what is filled in would end the name of a host that the rule has begun: the client would choose
 * the host. {path} and {query} begin with their own delimiters, so that no host can go on behind them.
 */
function endsHost(piece: Piece, before: string): boolean {
  if (piece.kind === 'text' || piece.place !== 'authority') return false;
  const beginsItself = piece.kind === 'part' && (piece.name === 'path' || piece.name === 'query');
  return !beginsItself || before.endsWith('://');
}

function filling(
  piece: Exclude<Piece, { kind: 'text' }>,
  request: ExchangeRequest,
  captures: readonly string[],
): string {
  if (piece.kind === 'capture') return captures[piece.number - 1] ?? '';
  switch (piece.name) {
    case 'path':
      return request.path === '*' ? '/' : pathOnly(request.path);
    case 'query':
      return queryOnly(request.path);
    case 'url':
      // As a parameter of another URL, its own delimiters would be taken for those of that one.
      return piece.place === 'query' ? encodeURIComponent(request.url) : request.url;
    default:
      return String(request[piece.name]);
  }
}

/** By the URL parser, then judged as the target of a request is. */
function canonicalTarget(text: string): Filled {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined) return { kind: 'no-url', because: 'that is no URL' };
  if (!/^https?:$/.test(url.protocol)) return { kind: 'no-url', because: 'that is no http or https URL' };
  const hashless = url.hash === '' ? url.href.replace(/#$/, '') : url.href.slice(0, url.href.indexOf('#'));
  const parsed = parseRequestTarget('GET', hashless);
  if (parsed.kind === 'absolute') return { kind: 'url', url: parsed.url };
  return { kind: 'no-url', because: parsed.kind === 'malformed' ? parsed.because : 'that is no URL' };
}

function wrong(because: string): Wrong {
  return { kind: 'wrong', because };
}
