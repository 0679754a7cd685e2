// The content of a request as a stream of its own: it can fail without taking the client's connection with it.
import { Readable } from 'node:stream';
import { ProxyError } from '../../../http/proxy-error.ts';
import type { Message, Trace } from '../ports.ts';

/** Relays the octets of a message and counts them. Backpressure reaches the client. */
export class RequestContent extends Readable {
  readonly #message: Message;

  constructor(message: Message, trace: Trace) {
    super();
    this.#message = message;
    message.pause();
    message.on('data', (octets: Buffer) => {
      trace.fromClient += octets.length;
      if (!this.push(octets)) message.pause();
    });
    message.on('end', () => this.push(null));
    const broken = (cause?: unknown) => {
      if (message.complete) return;
      this.destroy(
        cause instanceof ProxyError
          ? cause
          : new ProxyError('http_request_error', 'The client left before its request was complete.'),
      );
    };
    message.on('error', broken);
    message.on('close', () => broken());
    // A reader that comes later finds the error; without one it is nobody's.
    this.on('error', () => undefined);
  }

  override _read(): void {
    this.#message.resume();
  }
}
