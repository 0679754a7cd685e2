// An origin that serves files as web servers do: ranges, conditions, a CGI program. Real programs ask it.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

export interface FileServer extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
  /** Method, target and Via of each request, oldest first. */
  readonly asked: readonly string[];
}

export interface FileServerOptions {
  /** What a path holds. */
  readonly file: (path: string) => Buffer | undefined;
  /** Below `/cgi/` this program answers, with this environment. RFC 3875. */
  readonly program?: { readonly command: readonly string[]; readonly environment: Readonly<Record<string, string>> };
}

/** Starts it on a free port of loopback. A POST or PUT to a file is answered with the digest of its content. */
export async function startFileServer({ file, program }: FileServerOptions): Promise<FileServer> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url} ${request.headers.via ?? '-'}`);
    const { pathname, search } = new URL(request.url ?? '/', 'http://x');
    if (program !== undefined && pathname.startsWith('/cgi/')) {
      const { command, environment } = program;
      const parts = { PATH_INFO: pathname.slice('/cgi'.length), QUERY_STRING: search.slice(1) };
      return answerByProgram(request, response, command, { ...environment, ...parts });
    }
    if (request.method === 'POST' || request.method === 'PUT') return void answerWithDigest(request, response);
    const content = file(decodeURIComponent(pathname));
    if (content === undefined) return void response.writeHead(404, { 'content-length': 0 }).end();
    answerWithFile(request, response, content);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    asked,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Whole, a part, or not at all. RFC 9110 13 and 14. */
function answerWithFile(request: IncomingMessage, response: ServerResponse, content: Buffer): void {
  const etag = `"${createHash('sha1').update(content).digest('hex')}"`;
  const fields = { etag, 'accept-ranges': 'bytes', 'last-modified': 'Wed, 21 Oct 2026 07:28:00 GMT' };
  const end = (body: Buffer) => response.end(request.method === 'HEAD' ? undefined : body);
  if (request.headers['if-none-match'] === etag) return void response.writeHead(304, fields).end();
  const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? [];
  if (first === undefined) {
    response.writeHead(200, { ...fields, 'content-length': content.length });
    return void end(content);
  }
  const from = Number(first);
  const to = last === undefined || last === '' ? content.length - 1 : Math.min(Number(last), content.length - 1);
  if (from >= content.length) {
    return void response
      .writeHead(416, { ...fields, 'content-range': `bytes */${content.length}`, 'content-length': 0 })
      .end();
  }
  const range = `bytes ${from}-${to}/${content.length}`;
  response.writeHead(206, { ...fields, 'content-range': range, 'content-length': to - from + 1 });
  end(content.subarray(from, to + 1));
}

async function answerWithDigest(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const digest = createHash('sha256');
  for await (const octets of request) digest.update(octets as Buffer);
  response.end(digest.digest('hex'));
}

/** Gives the content to the program, and takes the head and the content of the answer from it. RFC 3875 4 and 6. */
function answerByProgram(
  request: IncomingMessage,
  response: ServerResponse,
  [file = '', ...args]: readonly string[],
  environment: Readonly<Record<string, string>>,
): void {
  const own = {
    REQUEST_METHOD: request.method ?? 'GET',
    CONTENT_TYPE: request.headers['content-type'] ?? '',
    CONTENT_LENGTH: request.headers['content-length'] ?? '',
    HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
    GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
  };
  const child = spawn(file, args, {
    env: { ...process.env, ...environment, ...own },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  request.pipe(child.stdin).on('error', () => undefined);
  let head = Buffer.alloc(0);
  child.stdout.on('data', (octets: Buffer) => {
    if (response.headersSent) return void response.write(octets);
    head = Buffer.concat([head, octets]);
    const end = head.indexOf('\r\n\r\n');
    if (end < 0) return;
    const lines = head
      .toString('latin1', 0, end)
      .split('\r\n')
      .map((line) => line.split(': ') as [string, string]);
    const status = Number(lines.find(([name]) => name === 'Status')?.[1].slice(0, 3) ?? 200);
    response.writeHead(status, Object.fromEntries(lines.filter(([name]) => name !== 'Status')));
    response.write(head.subarray(end + 4));
  });
  child.stdout.on('end', () => response.end());
}
