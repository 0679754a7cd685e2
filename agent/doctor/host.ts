// What the checks ask this machine: files, sockets on loopback, name servers, limits. Nothing is left behind.
import { createSocket } from 'node:dgram';
import { accessSync, constants, readdirSync, readFileSync, statfsSync, statSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { dirname } from 'node:path';
import { listening } from '../proxy/accept/listening.ts';

export interface DoctorHost {
  readonly platform: NodeJS.Platform;
  /** The code of the error where this cannot be listened on. */
  bind(host: string, port: number): Promise<string | undefined>;
  /** Whether something accepts a connection there. */
  listens(host: string, port: number, signal: AbortSignal): Promise<boolean>;
  isOwnAddress(address: string): boolean;
  /** The permissions, such as 0o600; nothing where there is no such file, or nobody may look. */
  mode(path: string): number | undefined;
  /** Of a folder, or the code of the error. */
  list(path: string): readonly string[] | { readonly code: string };
  read(path: string): string | undefined;
  /** Of the file system that holds this folder, or the nearest one above that is there. */
  space(folder: string): { readonly folder: string; readonly freeBytes: number; readonly isWritable: boolean };
  /** How many files a process may have open: this one, or another of this machine. Nothing where nobody tells. */
  openFiles(pid?: number): number | undefined;
  /** The code of the error where there is no route to this address. Nothing is sent. */
  route(address: string): Promise<string | undefined>;
}

export const thisDoctorHost: DoctorHost = {
  platform: process.platform,
  bind: async (host, port) => {
    const server = createServer((socket) => socket.destroy());
    try {
      await listening(server, host, port);
      await new Promise((resolve) => server.close(resolve));
      return undefined;
    } catch (cause) {
      return codeOf(cause);
    }
  },
  listens: (host, port, signal) =>
    new Promise((resolve) => {
      const socket = connect({ host, port, signal });
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
      socket.once('connect', () => socket.destroy());
    }),
  isOwnAddress: (address) =>
    Object.values(networkInterfaces()).some((all) => all?.some((own) => own.address === address)),
  mode: (path) => attempted(() => statSync(path).mode & 0o7777),
  list: (path) => {
    try {
      return readdirSync(path);
    } catch (cause) {
      return { code: codeOf(cause) };
    }
  },
  read: (path) => attempted(() => readFileSync(path, 'utf8')),
  space: (wanted) => {
    const folder = nearest(wanted);
    const { bavail, bsize } = statfsSync(folder);
    return { folder, freeBytes: bavail * bsize, isWritable: mayWrite(folder) };
  },
  openFiles: (pid) =>
    pid === undefined ? ownOpenFiles() : openFilesIn(attempted(() => readFileSync(`/proc/${pid}/limits`, 'utf8'))),
  route: (address) =>
    new Promise((resolve) => {
      const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
      const end = (code: string | undefined) => {
        socket.close();
        resolve(code);
      };
      socket.once('error', (cause) => end(codeOf(cause)));
      socket.connect(9, address, () => end(undefined)); // of UDP: the system chooses a route, and sends nothing
    }),
};

/** `Max open files` in the table of /proc/PID/limits: the soft limit, then the hard one. */
export function openFilesIn(table: string | undefined): number | undefined {
  const text = /^Max open files\s+(\d+|unlimited)/m.exec(table ?? '')?.[1];
  return text === undefined ? undefined : text === 'unlimited' ? Number.POSITIVE_INFINITY : Number(text);
}

/** Node has raised the soft limit to the hard one by now, as it does for the agent. */
function ownOpenFiles(): number | undefined {
  Object.assign(process.report, { excludeNetwork: true }); // it would ask name servers for the names of all peers
  const report = process.report.getReport() as {
    readonly userLimits?: { readonly open_files?: { readonly soft: unknown } };
  };
  const soft = report.userLimits?.open_files?.soft;
  return soft === 'unlimited' ? Number.POSITIVE_INFINITY : typeof soft === 'number' ? soft : undefined;
}

function mayWrite(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function nearest(folder: string): string {
  const above = dirname(folder);
  return above === folder || attempted(() => statSync(folder).isDirectory()) === true ? folder : nearest(above);
}

function attempted<T>(act: () => T): T | undefined {
  try {
    return act();
  } catch {
    return undefined;
  }
}

function codeOf(cause: unknown): string {
  return (cause as NodeJS.ErrnoException).code ?? String(cause);
}
