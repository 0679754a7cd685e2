// What rules mean for one request: who is asked, how, and what becomes of the answer.
import type {
  BlockAction,
  RedirectStatus,
  RespondAction,
  ResponseConditions,
  RuleActions,
} from '../../schemas/rule.ts';
import type { ShapeSettings } from '../../schemas/shape.ts';
import type { Transform } from '../../schemas/transform.ts';
import type { Fields } from '../fields.ts';
import type { ProxyError } from '../proxy-error.ts';

/** A request or tunnel as rules see it. Of an unintercepted tunnel only host, port, client and time are known. */
export type RuleRequest =
  | {
      readonly kind: 'exchange';
      readonly method: string;
      /** Canonical, without fragment: the text that is judged is the text that is sent. */
      readonly url: string;
      readonly scheme: 'http' | 'https';
      /** Canonical; IPv6 in brackets. */
      readonly host: string;
      readonly port: number;
      /** With the query. */
      readonly path: string;
      readonly fields: Fields;
      /** Address of the client. */
      readonly client: string;
    }
  | { readonly kind: 'tunnel'; readonly host: string; readonly port: number; readonly client: string };

/** What rules ask of the world. Each is asked only where a rule needs it. */
export interface RuleWorld {
  /** Whether a list has a host, or a name above it. */
  readonly isListed: (list: string, host: string) => boolean;
  /** The time by the clock of this machine. `weekday` counts from Sunday as 0, `minute` from midnight. */
  readonly localTime: () => { readonly weekday: number; readonly minute: number };
}

/** An action with the name of the rule that asks for it. */
export interface Chosen<A> {
  readonly rule: string;
  readonly action: A;
}

/** Actions that wait for the head of the response: the first whose conditions hold is taken. */
export type OnResponse<A> = readonly (Chosen<A> & { readonly when?: ResponseConditions | undefined })[];

/** An answer that does not come from the origin. */
export type AnswerAction =
  | { readonly kind: 'block'; readonly block: BlockAction }
  | { readonly kind: 'respond'; readonly respond: RespondAction }
  /** `location`: the URL, placeholders filled in: canonical, without userinfo and fragment. */
  | { readonly kind: 'redirect'; readonly location: string; readonly status: RedirectStatus }
  /** A redirect or rewrite that makes no URL of this request, or one that leads in a circle. */
  | { readonly kind: 'failed'; readonly error: ProxyError };

/** One change of the fields of a message. `name` is lower case. */
export type FieldEdit =
  | { readonly kind: 'set' | 'add'; readonly name: string; readonly value: string }
  | { readonly kind: 'remove'; readonly name: string }
  | { readonly kind: 'shorten'; readonly name: 'referer' | 'user-agent' }
  /** Patterns of names. */
  | { readonly kind: 'remove-cookies'; readonly name: 'cookie'; readonly cookies: readonly string[] };

export type CacheAction = NonNullable<RuleActions['cache']>;
export type LogAction = NonNullable<RuleActions['log']>;

/** Everything is absent that no rule asks for. */
export interface RequestPlan {
  /** Names of the rules whose conditions on the request hold and that have a part in this plan, in their order. */
  readonly rules: readonly string[];
  /** Nothing is asked of anybody. Of everything else only `log` is there then, to be judged by the answer's own head. */
  readonly answer?: Chosen<AnswerAction> | undefined;
  /** The URL that is asked in place of the request's: canonical. */
  readonly rewrite?: Chosen<string> | undefined;
  /** For each name the edits of the first rule that names it. */
  readonly requestEdits?: readonly Chosen<FieldEdit>[] | undefined;
  /** `edge`: by the edge in use, or by the one that is named. */
  readonly route?: Chosen<NonNullable<RuleActions['route']>> | undefined;
  readonly fallback?: Chosen<'direct' | 'fail'> | undefined;
  readonly upstream?: Chosen<'fetch' | 'socket'> | undefined;
  /** A preset filled in. */
  readonly shape?: Chosen<ShapeSettings> | undefined;
  readonly onResponse: {
    readonly answer?: OnResponse<AnswerAction> | undefined;
    /** In the order of the rules. Of those whose conditions hold, for each name the edits of the first rule that names it. */
    readonly edits?: OnResponse<readonly FieldEdit[]> | undefined;
    readonly cache?: OnResponse<CacheAction> | undefined;
    readonly transform?: OnResponse<Transform> | undefined;
    readonly log?: OnResponse<LogAction> | undefined;
  };
  /** Names a transform in keys of caches: equal for equal lists of transforms; absent without. */
  readonly transformKey?: string | undefined;
}
