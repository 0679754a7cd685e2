// What `edgehop system-proxy` says, for people.
import type { DesktopName, ProxyInUse, ProxyWay, SystemProxyReport } from '../../schemas/system-proxy.ts';
import { printable } from '../log/words.ts';
import type { Judged } from '../machine/system-proxy/judge.ts';
import type { Restored } from '../machine/system-proxy/restore.ts';

/** What stands now, and what is kept for `off`. */
export function statusInWords(report: SystemProxyReport): string {
  return [...standingInWords(report), ...journalInWords(report.journal)].join('\n');
}

/** After `on`. */
export function switchedOnInWords(report: SystemProxyReport, way: ProxyWay): string {
  const end =
    way.kind === 'pac'
      ? 'When the agent is not running, programs go directly. `edgehop system-proxy off` puts back what stood before.'
      : 'It ends with the agent, or with `edgehop system-proxy off`: what stood before stands again then.';
  return [...standingInWords(report), end].join('\n');
}

/** After `off`. */
export function restoredInWords(restored: Restored, report: SystemProxyReport): string {
  if (restored.kind !== 'restored') return ['There is nothing to restore.', ...standingInWords(report)].join('\n');
  const { count, left, gone, notes } = restored;
  const again = left.length === 0 ? 'What stood before stands again.' : 'What stood before stands again, but for this:';
  const done = count === 0 ? 'Nothing had to be put back.' : again;
  return [
    done,
    ...left.map(leftInWords),
    ...(left.length === 0 ? [] : ['`edgehop system-proxy off --force` puts back what stood before all the same.']),
    ...places(gone).map((place) => `${printable(place)} is there no more.`),
    ...notes.map((note) => `Running programs may have to be restarted: ${printable(note)}`),
    ...standingInWords(report),
  ].join('\n');
}

/** A part of a sentence for the log of `start`, which restores by itself. */
export function restoredInShort(restored: Extract<Restored, { kind: 'restored' }>): string {
  const { left, failures } = restored;
  if (failures.length > 0)
    return `the system proxy could not be put back (${failures.join('; ')}): run \`edgehop system-proxy off\``;
  if (left.length > 0)
    return 'the system proxy is as before, but for what was changed by hand since: see `edgehop system-proxy status`';
  return 'the system proxy is as it was before `edgehop system-proxy on`';
}

/** Where the operating system keeps no settings that are known. */
export function withoutDesktopInWords(way?: ProxyWay): string {
  const pac = way?.kind === 'pac' ? ` Browsers take the PAC URL ${way.url} in their own settings.` : '';
  return `no proxy settings of a desktop are found here (gsettings for GNOME, kwriteconfig for KDE), so nothing was changed. Programs take a proxy from the environment: \`eval "$(edgehop env)"\` in a shell, in its start file for all, or \`edgehop exec -- COMMAND\` for one.${pac}`;
}

function standingInWords({ proxies, unread, journal }: SystemProxyReport): string[] {
  const served = journal.kind === 'held' ? ` of the agent on port ${journal.agent.port}` : '';
  const rows = [
    ...proxies.map((proxy) => [titleOf(proxy), proxyInWords(proxy, served)]),
    ...unread.map(({ desktop, because }) => [titles[desktop], `does not say: ${printable(because)}`]),
  ];
  if (rows.length === 0) return [sentence(withoutDesktopInWords())];
  const width = Math.max(...rows.map(([title = '']) => title.length));
  return rows.map(([title = '', words = '']) => `${title.padEnd(width)}  ${words}`);
}

function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

const titles: Readonly<Record<DesktopName, string>> = {
  macos: 'macOS',
  windows: 'Windows',
  gnome: 'GNOME',
  kde: 'KDE',
};

function titleOf({ desktop, place }: ProxyInUse): string {
  return place === '' ? titles[desktop] : printable(place);
}

function proxyInWords({ kind, to = '', agent }: ProxyInUse, served: string): string {
  if (kind === 'none') return 'no proxy';
  if (kind === 'other') return to;
  const what = kind === 'pac' ? `PAC ${printable(to)}` : `proxy ${printable(to)}`;
  if (agent === 'running') return `${what}, of edgehop, which is running`;
  if (agent === undefined) return `${what}, not of edgehop`;
  const effect = kind === 'pac' ? 'programs go directly' : 'programs reach nothing: run `edgehop system-proxy off`';
  return `${what}${served}, which is not running: ${effect}`;
}

function journalInWords(journal: SystemProxyReport['journal']): string[] {
  if (journal.kind === 'none') return ['Nothing is kept for `edgehop system-proxy off`.'];
  if (journal.kind === 'unreadable')
    return [
      `What stood before is kept in ${printable(journal.path)}, which cannot be read: ${printable(journal.because)}`,
    ];
  const changed = journal.settings.filter(({ is }) => is === 'other');
  const title =
    journal.stage === 'over'
      ? `Kept in ${printable(journal.path)} for \`edgehop system-proxy off --force\`, since it was changed by hand:`
      : `What stood before, kept in ${printable(journal.path)}:`;
  return [
    ...(journal.stage === 'setting' ? ['`edgehop system-proxy on` was cut short: run it again, or `off`.'] : []),
    title,
    ...journal.settings.map((one) => `  ${nameInWords(one)}  ${valueInWords(one.previous)}`),
    ...(journal.stage === 'over'
      ? []
      : changed.map((one) => `Changed by hand since: ${nameInWords(one)}, to ${valueInWords(one.now)}`)),
  ];
}

function leftInWords({ setting, is, now }: Judged): string {
  if (is === 'ours') return `${nameInWords(setting)} stays ${valueInWords(now)}, for that is what puts it in use.`;
  return `${nameInWords(setting)} was changed since, and stays ${valueInWords(now)}.`;
}

function nameInWords({ desktop, place, name }: Judged['setting']): string {
  return printable(`${titles[desktop]} ${place === '' ? name : `${place} ${name}`}`);
}

function valueInWords(value: string | null | undefined): string {
  return value === null || value === undefined ? 'not set' : printable(value === '' ? '(empty)' : value);
}

function places(judged: readonly Judged[]): readonly string[] {
  return [...new Set(judged.map(({ setting: { place, name } }) => (place === '' ? name : place)))];
}
