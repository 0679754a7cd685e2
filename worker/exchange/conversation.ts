// One request and its response on a connection of their own, with the deadlines that the platform's sockets do not keep.
import { ProxyError } from '../../http/proxy-error.ts';
import type { ReaderOptions, Reading } from '../../http/response-reader.ts';
import type { Connection } from '../dial/connect.ts';
import { headTimeout, readFailure } from './failure.ts';
import { watchIdle } from './idle-watch.ts';
import { type SentFraming, sendContent } from './socket-request.ts';
import { responseOn, type SocketResponse } from './socket-response.ts';

export interface Deadlines {
  /** For the head, from the end of the request's content. */
  readonly headDeadlineMs: number;
  /** Without an octet, while it is the origin's turn. */
  readonly idleTimeoutMs: number;
}

export interface Conversation {
  readonly response: SocketResponse;
  /** Begins to send the request. The response may come before its end. */
  send(head: Uint8Array, content: ReadableStream<Uint8Array> | null, framing: SentFraming): void;
  /** Reads until the final head has come: `more` or `complete` with it, `failed` without. */
  head(): Promise<Reading>;
  /** Reads more of the content. */
  next(): Promise<Reading>;
  /** Closes the connection, whatever goes on on it. */
  end(): void;
}

/** Begins a conversation on a connection on which nothing has been said. It ends by `end`, or by failing. */
export function converse(connection: Connection, options: ReaderOptions, deadlines: Deadlines): Conversation {
  const response = responseOn(connection.readable, options);
  let failure: ProxyError | undefined;
  let isOver = false;
  let deadline: ReturnType<typeof setTimeout> | null = null;
  const watch = watchIdle(deadlines.idleTimeoutMs, (turn) => fail(idle[turn]()));

  const end = () => {
    isOver = true;
    clearTimeout(deadline);
    watch.stop();
    response.cancel();
    connection.close();
  };
  const fail = (error: ProxyError) => {
    failure ??= error;
    end();
  };
  const awaitHead = () => {
    const { headDeadlineMs } = deadlines;
    if (isOver || response.head !== undefined) return;
    deadline = setTimeout(() => fail(headTimeout(headDeadlineMs)), headDeadlineMs);
  };
  const judged = (reading: Reading): Reading => {
    if (reading.kind !== 'failed') return reading;
    end();
    return failure === undefined ? reading : { kind: 'failed', error: failure };
  };

  return {
    response,
    send: (head, content, framing) => {
      // That it fails shows in what is read.
      const written = watch.during('take', connection.writer.write(head)).catch(() => undefined);
      if (content === null) return void written.then(awaitHead);
      void sendContent(content, framing, connection.writer, watch).then((how) => {
        if (how === 'cut') fail(clientLeft());
        else awaitHead(); // one who takes no more may still answer
      });
    },
    head: async () => {
      let reading = await response.read();
      while (reading.kind === 'more' && response.head === undefined) reading = await response.read();
      clearTimeout(deadline);
      return judged(reading);
    },
    next: async () => {
      const reading = await watch.during('give', response.read());
      const isReset = reading.kind === 'complete' && response.head?.framing.kind === 'close' && connection.isBroken();
      return judged(isReset ? { kind: 'failed', error: readFailure(undefined, true) } : reading);
    },
    end,
  };
}

const idle = {
  take: () => new ProxyError('connection_write_timeout', 'The origin took no more of the content for too long.'),
  give: () => new ProxyError('connection_read_timeout', 'The origin stopped sending for too long.'),
} as const;

function clientLeft(): ProxyError {
  return new ProxyError('http_request_error', 'The content of the request broke off.');
}
