// What the supervisors of the three systems share: what they are asked, what they answer, and what they do it with.
import type { ServiceCommand, ServiceStatus } from '../../../schemas/service.ts';
import type { RunProgram } from '../run-program.ts';

/** What starts the agent at login and again when it fails: systemd, launchd, or the Windows Task Scheduler. */
export interface Supervisor {
  /** Makes or updates the unit, and starts the agent. */
  install(command: ServiceCommand): Promise<Installed>;
  /** Stops the agent and removes what `install` has made. */
  uninstall(): Promise<Uninstalled>;
  /** Never rejects. What could not be learnt is told as that. */
  status(): Promise<Supervised>;
}

/** The port is not the supervisor's to know. */
export type Supervised = Omit<ServiceStatus, 'port'>;

export type Installed =
  /** `same`: it was installed exactly so, and runs. */
  | {
      readonly kind: 'installed';
      readonly change: 'new' | 'updated' | 'same';
      readonly unit: string;
      readonly notes: readonly string[];
    }
  | NotDone;

export type Uninstalled =
  | { readonly kind: 'removed'; readonly removed: readonly string[]; readonly left: readonly string[] }
  | { readonly kind: 'nothing'; readonly unit: string }
  | NotDone;

export interface NotDone {
  readonly kind: 'not-done';
  readonly what: 'foreign' | 'no-supervisor' | 'permission' | 'failed' | 'unsuitable';
  /** A sentence without a full stop. */
  readonly because: string;
  /** What to do next; sentences. */
  readonly advice?: string;
  /** What has been changed nevertheless, and could not be undone. */
  readonly left: readonly string[];
}

/** A unit's file as it is found. */
export type Found =
  | { readonly kind: 'absent' }
  | { readonly kind: 'file'; readonly text: string }
  /** A symbolic link, a folder, something that cannot be read. */
  | { readonly kind: 'other'; readonly because: string };

/** The files of a supervisor. `write` and `remove` throw what the system says. */
export interface UnitFiles {
  find(path: string): Found;
  /** Never half written. Makes the folders above. */
  write(path: string, content: string | Uint8Array): void;
  remove(path: string): void;
  makeFolder(path: string): void;
  exists(path: string): boolean;
}

export interface Surroundings {
  readonly run: RunProgram;
  readonly files: UnitFiles;
  readonly pause: (ms: number) => Promise<void>;
  readonly user: { readonly id: number | undefined; readonly name: string; readonly home: string };
  readonly env: Readonly<Record<string, string | undefined>>;
}
