// Lines that set variables, for the shells that evaluate them.

export const shells = ['sh', 'fish', 'powershell', 'cmd'] as const;

export type Shell = (typeof shells)[number];

/** A line for each variable. */
export function setLines(variables: Readonly<Record<string, string>>, shell: Shell): string {
  return Object.entries(variables)
    .map(([name, value]) => setLine(name, value, shell))
    .join('\n');
}

/** The shell of a person by `SHELL`; on Windows PowerShell. */
export function usualShell(env: Readonly<Record<string, string | undefined>>, platform: string): Shell {
  if (/(?:^|\/)fish$/.test(env['SHELL'] ?? '')) return 'fish';
  return platform === 'win32' && env['SHELL'] === undefined ? 'powershell' : 'sh';
}

function setLine(name: string, value: string, shell: Shell): string {
  if (shell === 'sh') return `export ${name}='${value.replaceAll("'", "'\\''")}'`;
  if (shell === 'fish') return `set -gx ${name} '${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
  if (shell === 'powershell') return `$env:${name} = '${value.replaceAll("'", "''")}'`;
  return `set "${name}=${value}"`;
}
