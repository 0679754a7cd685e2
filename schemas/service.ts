// What `edgehop service` keeps of itself in a unit that it has made, and what `status --json` prints.
import * as z from 'zod';

/** As supervisors tell it: most to the second. */
const time = z.iso.datetime();

/** How the agent is started: absolute paths, and what it needs of the environment. */
export const serviceCommand = z.strictObject({
  node: z.string(),
  bin: z.string(),
  /** Of `start`. */
  args: z.array(z.string()).readonly(),
  environment: z.record(z.string(), z.string()).readonly(),
  workingDirectory: z.string(),
  /** Folder of the log files; absent where the supervisor keeps a log of its own. */
  logFolder: z.string().optional(),
  /** How long the agent may take to end when it is told to. */
  stopTimeoutMs: z.int().positive(),
});

export type ServiceCommand = z.infer<typeof serviceCommand>;

export const serviceStatus = z.strictObject({
  supervisor: z.enum(['systemd', 'launchd', 'task-scheduler']),
  /** `foreign`: something has this name that edgehop did not make. `unknown`: nobody could be asked. */
  installed: z.enum(['yes', 'no', 'foreign', 'unknown']),
  /** Name of the file, or of the task. */
  unit: z.string(),
  /** Whether it starts at login; absent where that is not known. */
  atLogin: z.boolean().optional(),
  state: z.enum(['running', 'waiting', 'stopped', 'failed', 'unknown']),
  /** Why it is not running, or why that is not known. */
  because: z.string().optional(),
  since: time.optional(),
  pid: z.int().positive().optional(),
  /** Of the proxy; absent while no agent with this process id has left a note of its port. */
  port: z.int().optional(),
  restarts: z.int().nonnegative().optional(),
  /** A command or a file. */
  logs: z.string(),
  command: serviceCommand.optional(),
  /** What its owner should know. */
  notes: z.array(z.string()).readonly(),
});

export type ServiceStatus = z.infer<typeof serviceStatus>;

/** The note that the keeper of a scheduled task leaves of the agent that it has started. */
export const keptAgent = z.strictObject({ pid: z.int().positive(), startedAt: time });

export type KeptAgent = z.infer<typeof keptAgent>;
