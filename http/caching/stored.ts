// What a cache keeps of a response, and what it asks about requests. RFC 9111 3.
import type { Fields } from '../fields.ts';

/** Milliseconds since 1970. The engine reads no clock: each function that needs the time is given it. */
export type Time = number;

/** A request as a cache judges it: end-to-end fields, those that the client sent. */
export interface CacheRequest {
  readonly method: string;
  /** Canonical, without fragment. */
  readonly url: string;
  readonly fields: Fields;
  /** Names the transform that rules ask for, or the pool that is asked: what was stored under another, or under none, answers nothing. */
  readonly transformKey?: string | undefined;
}

/** The head of a response that has come from the next hop: end-to-end fields. */
export interface CacheResponse {
  readonly status: number;
  readonly reason: string;
  readonly fields: Fields;
  /** When the request that brought it was sent, and when its head came. RFC 9111 4.2.3. */
  readonly requestTime: Time;
  readonly responseTime: Time;
}

/** The request fields that selected a response, by lower-case name; undefined where the request had none. RFC 9111 4.1. */
export type Selecting = readonly (readonly [name: string, value: string | undefined])[];

/** A response that is stored, with so much of its content. */
export interface StoredResponse extends CacheResponse {
  readonly url: string;
  readonly selecting: Selecting;
  /** Of the content that is held. */
  readonly octets: number;
  /** Where only a part of the content is held: its first octet's place, and how much there would be. RFC 9111 3.3. */
  readonly part?: { readonly first: number; readonly completeOctets: number };
  /** The trailer section that came behind the content. */
  readonly trailers?: Fields;
  /** That of the request for which it was stored. */
  readonly transformKey?: string | undefined;
}
