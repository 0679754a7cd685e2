// Puts together what ends the TLS of clients: the local CA with its leaves, and the hosts that are passed through.
import { appendFileSync } from 'node:fs';
import { ownName } from '../http/own-name.ts';
import { hostCaptures } from '../http/plan/host-pattern.ts';
import type { Config } from '../schemas/config.ts';
import type { Clock } from './clock.ts';
import type { Observer, Trace } from './proxy/ports.ts';
import { type Authority, openAuthority, readAuthority } from './trust/authority.ts';
import { authorityFiles } from './trust/authority-files.ts';
import { createClientCertificates } from './trust/client-certificates.ts';
import { createLeaves } from './trust/leaves.ts';
import { createPassedThrough, type PassedThrough } from './trust/passed-through.ts';
import type { InterceptPorts } from './tunnel/intercept.ts';
import type { Connect } from './upstream/connect.ts';

export interface InterceptionPorts {
  readonly clock: Clock;
  readonly limits: Config['limits'];
  readonly stateFolder: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly say: (sentence: string) => void;
  readonly serve: InterceptPorts['serve'];
  /** To servers, without HTTP/2, at addresses that are judged. */
  readonly connect: Connect;
}

export interface Interception extends Pick<InterceptPorts, 'serve'> {
  readonly passedThrough: PassedThrough;
  /** The certificate of the local CA (PEM), where there is one that can be used. */
  certificate(): string | undefined;
  /** To be told of each record. */
  readonly finished: (trace: Trace) => void;
  /** How a configuration wants it; nothing where it wants none. */
  by(section: Config['intercept'], observer: Observer): InterceptPorts | undefined;
}

/** Nothing is made before a host is intercepted. It outlives reloads. */
export function createInterception(ports: InterceptionPorts): Interception {
  const { clock, limits, stateFolder, say, serve } = ports;
  const files = authorityFiles(stateFolder);
  const wallTime = () => clock.wallTime(clock.now());
  let authority: Promise<Authority> | undefined;
  const opened = () => {
    authority ??= openAuthority(files, wallTime());
    authority.catch(() => {
      authority = undefined;
    });
    return authority;
  };
  const leaves = createLeaves({
    authority: opened,
    wallTime,
    maxLeaves: limits.maxLeafCertificates,
  });
  const passedThrough = createPassedThrough(clock, limits.passThroughMs);
  const onKeys = keyLog(ports);
  const rejected = (host: string) => {
    const isPassed = passedThrough.rejected(host);
    if (isPassed) say(`${host} is passed through for a while: its clients do not take our certificate`);
    return isPassed;
  };
  return {
    passedThrough,
    finished: createClientCertificates({ ...ports, passedThrough }),
    serve,
    certificate: () => {
      try {
        return readAuthority(files)?.certificatePem;
      } catch {
        return undefined; // who intercepts hears why
      }
    },
    by: ({ hosts, except }, observer) => {
      if (hosts.length === 0) return undefined;
      opened().catch((cause: Error) => say(cause.message)); // so that it can be installed before anybody needs it
      const isNamed = (patterns: readonly string[], host: string) => hostCaptures(patterns, host) !== undefined;
      const [wanted, left] = [hosts, except].map((patterns) => patterns.map((each) => each.toLowerCase()));
      return {
        clock,
        observer,
        limits,
        wants: (host) =>
          host !== ownName && isNamed(wanted ?? [], host) && !isNamed(left ?? [], host) && !passedThrough.has(host),
        contextFor: leaves.contextFor,
        serve,
        taken: passedThrough.taken,
        rejected,
        onKeys,
      };
    },
  };
}

/** The file of a person who wants to read a capture: of edgehop alone, or of all programs. */
function keyLog({
  environment,
  say,
}: Pick<InterceptionPorts, 'environment' | 'say'>): ((line: Buffer) => void) | undefined {
  const paths = [environment['EDGEHOP_SSLKEYLOGFILE'], environment['SSLKEYLOGFILE']].filter(
    (path) => path !== undefined && path !== '',
  );
  if (paths.length === 0) return undefined;
  const open = new Set(paths as string[]);
  return (line) => {
    for (const path of open) {
      try {
        appendFileSync(path, line, { mode: 0o600 });
      } catch (cause) {
        open.delete(path);
        say(`the TLS keys cannot be written: ${(cause as Error).message}`);
      }
    }
  };
}
