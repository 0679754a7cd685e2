// Whether the system lets edgehop have as many files open, and as much on disk, as the configuration allows it to take.
import type { Finding } from '../../schemas/doctor.ts';
import { octetsInWords } from '../cli/cache-words.ts';
import { type Check, fail, pass, skip } from './check.ts';
import type { DoctorHost } from './host.ts';
import type { Situation } from './situation.ts';

export function openFilesCheck(
  { config, agents }: Situation,
  { openFiles, platform }: Pick<DoctorHost, 'openFiles' | 'platform'>,
): Check {
  const { maxConnections, maxEdgeConnections } = config.limits;
  const wanted = maxConnections + maxEdgeConnections + ownFiles;
  return {
    name: filesName,
    deadlineMs: 3_000,
    run: () => {
      if (platform === 'win32') return [skip(filesName, 'Windows has no such limit')];
      const ofAgents = agents.flatMap(({ pid, port }) => withLimit(`the agent on port ${port}`, openFiles(pid)));
      const all = ofAgents.length > 0 ? ofAgents : withLimit('edgehop', openFiles());
      const [least] = all.toSorted((one, other) => one.limit - other.limit);
      if (least === undefined) return [skip(filesName, 'the system does not tell the limit')];
      const found = `${least.who} may have ${least.limit === Number.POSITIVE_INFINITY ? 'any number' : least.limit} open`;
      const need = `${maxConnections} clients and ${maxEdgeConnections} connections to an edge take ${wanted}`;
      if (least.limit >= wanted) return [pass(filesName, `${found}; ${need}`)];
      return [
        fail(
          filesName,
          `${found}; ${need}`,
          `Raise the limit (\`ulimit -Hn ${wanted}\`, or LimitNOFILE of the service), or lower limits.maxConnections`,
        ),
      ];
    },
  };
}

const filesName = 'open files';
/** The program's, its log, its cache and what listens. */
const ownFiles = 64;

function withLimit(who: string, limit: number | undefined): { readonly who: string; readonly limit: number }[] {
  return limit === undefined ? [] : [{ who, limit }];
}

export function diskCheck({ config, paths }: Situation, { space }: Pick<DoctorHost, 'space'>): Check {
  return {
    name: diskName,
    deadlineMs: 3_000,
    run: () => {
      if (config.cache.agent === false) return [skip(diskName, 'the agent stores nothing: cache.agent is false')];
      return [spaceOf(space(paths.cache), config.cache.agent, paths.cache)];
    },
  };
}

const diskName = 'disk';

function spaceOf(
  { folder, freeBytes, isWritable }: ReturnType<DoctorHost['space']>,
  { diskBytes, maxEntryBytes }: Exclude<Situation['config']['cache']['agent'], false>,
  wanted: string,
): Finding {
  if (diskBytes === 0) return skip(diskName, 'the cache is in memory alone: diskBytes is 0');
  if (!isWritable)
    return fail(
      diskName,
      `${folder} cannot be written to, so that the cache is in memory alone`,
      `Make ${wanted} a folder of your own, or name another place by EDGEHOP_HOME`,
    );
  const found = `${octetsInWords(freeBytes)} are free for ${wanted}`;
  if (freeBytes < maxEntryBytes)
    return fail(
      diskName,
      `${found}; one response alone may take ${octetsInWords(maxEntryBytes)}`,
      'Free some space, or lower cache.agent.diskBytes and maxEntryBytes',
    );
  return pass(diskName, `${found}; the cache may take ${octetsInWords(diskBytes)}`);
}
