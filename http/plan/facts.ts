// What is known of one request, found out when the first condition asks for it.
import { clientAddress } from '../address.ts';
import { hostFieldOf } from '../authority.ts';
import { type Field, fieldValues } from '../fields.ts';
import type { RuleRequest, RuleWorld } from './plan.ts';
import type { UrlParts } from './url-pattern.ts';

export type ExchangeRequest = Extract<RuleRequest, { kind: 'exchange' }>;

/**
 * A request as conditions ask about it. One is used again for each request, so that a request that concerns no rule costs
 * no memory: planning is synchronous, and nothing of it is kept.
 */
export class Facts {
  #request!: RuleRequest;
  #world!: RuleWorld;
  #url: UrlParts | undefined;
  #path: string | undefined;
  #query: readonly Field[] | undefined;
  #client: string | undefined;
  readonly #lines = new Map<string, readonly string[]>();
  #time: { readonly weekday: number; readonly minute: number } | undefined;

  /** Turns to another request, and forgets what it knew. */
  of(request: RuleRequest, world: RuleWorld): this {
    this.#request = request;
    this.#world = world;
    this.#url = undefined;
    this.#path = undefined;
    this.#query = undefined;
    this.#client = undefined;
    if (this.#lines.size > 0) this.#lines.clear();
    this.#time = undefined;
    return this;
  }

  get request(): RuleRequest {
    return this.#request;
  }

  /** Throws a TypeError for a tunnel: no condition of one may ask for what only an exchange has. */
  get exchange(): ExchangeRequest {
    if (this.#request.kind === 'tunnel') throw new TypeError('a tunnel shows host and port only');
    return this.#request;
  }

  get url(): UrlParts {
    this.#url ??= urlPartsOf(this.exchange);
    return this.#url;
  }

  get host(): string {
    return this.#request.host;
  }

  get method(): string {
    return this.exchange.method;
  }

  /** Without the query. */
  get path(): string {
    this.#path ??= pathOnly(this.exchange.path);
    return this.#path;
  }

  /** Names and values of the query, decoded. */
  get query(): readonly Field[] {
    this.#query ??= [...parametersOf(this.exchange.path)];
    return this.#query;
  }

  /** The values of a field, line by line. `name` is lower case. */
  linesOf(name: string): readonly string[] {
    let lines = this.#lines.get(name);
    if (lines === undefined) {
      lines = fieldValues(this.exchange.fields, name);
      this.#lines.set(name, lines);
    }
    return lines;
  }

  /** Canonical, without zone. */
  get client(): string {
    this.#client ??= clientAddress(this.#request.client);
    return this.#client;
  }

  get time(): { readonly weekday: number; readonly minute: number } {
    this.#time ??= this.#world.localTime();
    return this.#time;
  }

  isListed(list: string): boolean {
    return this.#world.isListed(list, this.#request.host);
  }
}

export function urlPartsOf(request: ExchangeRequest): UrlParts {
  const { url, scheme, host, port, path } = request;
  return { url, scheme, authority: hostFieldOf(scheme, host, port), path };
}

/** The path of a path with query. */
export function pathOnly(path: string): string {
  const query = path.indexOf('?');
  return query < 0 ? path : path.slice(0, query);
}

/** The query of a path, with its question mark; empty where it has none. */
export function queryOnly(path: string): string {
  const query = path.indexOf('?');
  return query < 0 ? '' : path.slice(query);
}

function parametersOf(path: string): Iterable<Field> {
  const query = queryOnly(path);
  return query === '' ? [] : new URLSearchParams(query);
}
