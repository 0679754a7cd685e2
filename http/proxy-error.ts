// An error as edgehop knows it: an RFC 9209 type, a status, a sentence, what to do next, and its cause.
import { type ErrorType, type ProxyErrorShape, recommendedStatus } from '../schemas/error.ts';

export interface ErrorDetails {
  readonly status?: number;
  readonly advice?: string;
  readonly cause?: unknown;
}

/** Failures that a wrapper judges travel as values of this class; only the unforeseen is thrown. */
export class ProxyError extends Error {
  readonly type: ErrorType;
  readonly status: number;
  readonly advice: string | undefined;

  /** `message` is one sentence for people. It never holds a field of the request. RFC 9209 2.3. */
  constructor(type: ErrorType, message: string, details: ErrorDetails = {}) {
    super(message, { cause: details.cause });
    this.name = 'ProxyError';
    this.type = type;
    this.status = details.status ?? recommendedStatus[type];
    this.advice = details.advice;
  }
}

/** The error as it crosses a boundary. */
export function errorShape(error: ProxyError): ProxyErrorShape {
  const { type, status, message, advice } = error;
  return advice === undefined ? { type, status, message } : { type, status, message, advice };
}

/** The error that crossed a boundary, with where it came from as its cause. */
export function errorFromShape(shape: ProxyErrorShape, cause?: unknown): ProxyError {
  const { type, status, message, advice } = shape;
  return new ProxyError(type, message, advice === undefined ? { status, cause } : { status, advice, cause });
}
