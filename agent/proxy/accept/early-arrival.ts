// A request whose message and reply are made only when somebody asks for them.
import type { Socket } from 'node:net';
import type { Arrival, EarlyAnswer, Message, Reply, RequestHead, Trace } from '../ports.ts';

interface Made {
  readonly message: Message;
  readonly reply: Reply;
}

export class EarlyArrival implements Arrival, EarlyAnswer {
  readonly trace: Trace;
  readonly head: RequestHead;
  readonly #socket: Socket;
  /** What says that the connection is kept. */
  readonly #kept: string;
  readonly #make: () => void;
  #made: Made | undefined;
  #isAnswered = false;

  /** `make` has the message made: what comes of it is handed to `take` before it returns. */
  constructor(trace: Trace, head: RequestHead, kept: string, make: () => void) {
    this.trace = trace;
    this.head = head;
    this.#socket = head.socket;
    this.#kept = kept;
    this.#make = make;
  }

  take(message: Message, reply: Reply): void {
    this.#made = { message, reply };
  }

  /** Whether it has been answered without them. */
  get isAnswered(): boolean {
    return this.#isAnswered;
  }

  get message(): Message {
    return this.#exchange().message;
  }

  get reply(): Reply {
    return this.#exchange().reply;
  }

  get early(): EarlyAnswer | undefined {
    return this.#made === undefined ? this : undefined;
  }

  write(head: string, content: Buffer): Promise<boolean> | boolean {
    this.#isAnswered = true;
    this.#socket.write(`${head}${this.#kept}\r\n${content.toString('latin1')}`, 'latin1');
    if (this.#socket.writableLength === 0) return true;
    return new Promise((resolve) => {
      this.#socket.write('', (error) => resolve(error === null || error === undefined));
    });
  }

  #exchange(): Made {
    if (this.#made === undefined) this.#make();
    if (this.#made === undefined) throw new Error('node:http makes messages in another way now');
    return this.#made;
  }
}
