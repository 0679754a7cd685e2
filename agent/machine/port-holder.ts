// Names the process that listens on a TCP port of this machine, so that a taken port can be told with its holder.
import { type Host, thisHost, windowsFolder } from './facts.ts';

/** Never rejects. Unknown is usual for another user's process: systems tell those to an administrator only. */
export async function portHolder(port: number, host: Host = thisHost): Promise<PortHolder> {
  if (host.platform === 'linux') return linuxHolder(port, host);
  if (host.platform === 'darwin') return macosHolder(port, host);
  if (host.platform === 'win32') return windowsHolder(port, host);
  return { kind: 'unknown', because: `there is no way to ask on ${host.platform}` };
}

export type PortHolder = { kind: 'known'; pid: number; name: string } | { kind: 'unknown'; because: string };

/** The inodes of the sockets that listen on `port`, by `/proc/net/tcp` or `/proc/net/tcp6`. */
export function listeningInodes(table: string, port: number): readonly string[] {
  return table.split('\n').flatMap((line) => {
    const [, local, , state, , , , , , inode] = line.trim().split(/\s+/);
    const isListening = state === tcpListen && Number.parseInt(local?.split(':')[1] ?? '', 16) === port;
    return isListening && inode !== undefined ? [inode] : [];
  });
}

/** TCP_LISTEN of the kernel's include/net/tcp_states.h, as its tables write it. */
const tcpListen = '0A';

/** The first process of `lsof -Fpc`: one field a line, known by its first letter. Unprintable octets are `\xNN`. */
export function lsofHolder(text: string): { pid: number; name: string } | undefined {
  const found = /^p(\d+)\r?\n(?:[^pc].*\n)*c(.+)$/m.exec(text);
  if (found?.[1] === undefined || found[2] === undefined) return undefined;
  const name = found[2].replaceAll(/\\x([0-9a-f]{2})/gi, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return { pid: Number(found[1]), name };
}

/**
 * The process that listens on `port`, by `netstat -ano`. The word for the state is in the user's language (ABHÖREN),
 * so a listener is known by its foreign port 0.
 */
export function netstatPid(text: string, port: number): number | undefined {
  for (const line of text.split('\n')) {
    const [protocol, local, foreign, , pid] = line.trim().split(/\s+/);
    if (protocol === 'TCP' && local?.endsWith(`:${port}`) && foreign?.endsWith(':0')) return Number(pid);
  }
  return undefined;
}

/** The image's name by `tasklist /FO CSV /NH`. Where none matches, tasklist prints a sentence without quotes. */
export function tasklistName(text: string): string | undefined {
  return /^"([^"]+)","\d+"/m.exec(text)?.[1];
}

async function linuxHolder(port: number, host: Host): Promise<PortHolder> {
  const tables = await Promise.all([host.read('/proc/net/tcp'), host.read('/proc/net/tcp6')]);
  const inodes = tables.flatMap((table) => listeningInodes(table ?? '', port));
  if (inodes.length === 0) return { kind: 'unknown', because: `no listener on port ${port} is in sight` };
  const sockets = new Set(inodes.map((inode) => `socket:[${inode}]`));
  const pids = (await host.list('/proc')).map(Number).filter(Number.isInteger);
  // The parent of a family that shares the socket is the oldest: it has, as a rule, the lowest number.
  for (const pid of pids.toSorted((left, right) => left - right)) {
    if (!(await holdsOneOf(sockets, pid, host))) continue;
    const name = await linuxName(pid, host);
    return name === undefined ? nameless(pid) : { kind: 'known', pid, name };
  }
  return { kind: 'unknown', because: anotherUsers };
}

async function holdsOneOf(sockets: ReadonlySet<string>, pid: number, host: Host): Promise<boolean> {
  const descriptors = await host.list(`/proc/${pid}/fd`);
  const targets = await Promise.all(descriptors.map((descriptor) => host.link(`/proc/${pid}/fd/${descriptor}`)));
  return targets.some((target) => target !== undefined && sockets.has(target));
}

/** By the program's file: `comm` is the first thread's name, `node-MainThread` for Node, and ends after 15 octets. */
async function linuxName(pid: number, host: Host): Promise<string | undefined> {
  const program = await host.link(`/proc/${pid}/exe`);
  const file = program
    ?.replace(/ \(deleted\)$/, '')
    .split('/')
    .at(-1);
  return file ?? (await host.read(`/proc/${pid}/comm`))?.trim();
}

async function macosHolder(port: number, host: Host): Promise<PortHolder> {
  const text = await host.run('/usr/sbin/lsof', '-nP', `-iTCP:${port}`, '-sTCP:LISTEN', '-Fpc');
  if (text === undefined) return { kind: 'unknown', because: 'lsof did not answer' };
  const holder = lsofHolder(text);
  return holder === undefined ? { kind: 'unknown', because: anotherUsers } : { kind: 'known', ...holder };
}

async function windowsHolder(port: number, host: Host): Promise<PortHolder> {
  const connections = await host.run(`${windowsFolder}\\netstat.exe`, '-ano');
  if (connections === undefined) return { kind: 'unknown', because: 'netstat did not answer' };
  const pid = netstatPid(connections, port);
  if (pid === undefined) return { kind: 'unknown', because: `no listener on port ${port} is in sight` };
  const tasks = await host.run(`${windowsFolder}\\tasklist.exe`, '/FI', `PID eq ${pid}`, '/FO', 'CSV', '/NH');
  const name = tasklistName(tasks ?? '');
  return name === undefined ? nameless(pid) : { kind: 'known', pid, name };
}

const anotherUsers = "it is another user's process";

function nameless(pid: number): PortHolder {
  return { kind: 'unknown', because: `it is process ${pid}, which did not tell its name` };
}
