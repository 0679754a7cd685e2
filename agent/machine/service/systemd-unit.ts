// The systemd user unit of the agent, as text.
import type { ServiceCommand } from '../../../schemas/service.ts';
import { markOf } from './mark.ts';

export const unitName = 'edgehop.service';

/** Statuses of the agent that another start would not change: usage, permission, configuration. */
export const lastingExitCodes = [2, 77, 78] as const;

/** Why systemd could not start this command, whatever is written; nothing where it can. */
export function unsuitableForSystemd(command: ServiceCommand): string | undefined {
  const { node, bin, args, environment, workingDirectory } = command;
  const texts = [node, bin, workingDirectory, ...args, ...Object.values(environment)];
  const odd = texts.find((text) => /[\x00-\x1f\x7f]/.test(text));
  if (odd !== undefined) return `a path or option has a control character in it: ${JSON.stringify(odd)}`;
  // systemd refuses such a program, however it is written.
  if (/["'\\]/.test(node)) return `systemd starts no program whose path has quotation marks or a backslash: ${node}`;
  return undefined;
}

/** systemd.service(5), systemd.exec(5), systemd.kill(5). */
export function systemdUnit(command: ServiceCommand): string {
  const { node, bin, args, environment, workingDirectory, stopTimeoutMs } = command;
  const variables = Object.entries(environment).map(([name, value]) => `Environment=${quoted(`${name}=${value}`)}`);
  return `# Made by \`edgehop service install\`, which overwrites it. For changes of your own: systemctl --user edit ${unitName}
# ${markOf(command)}
[Unit]
Description=edgehop, a personal edge proxy
StartLimitIntervalSec=0

[Service]
Type=exec
ExecStart=${[quoted(node), ...[bin, 'start', ...args].map(quotedArgument)].join(' ')}
ExecReload=kill -HUP $MAINPID
WorkingDirectory=${specifiersEscaped(workingDirectory)}/
${variables.map((line) => `${line}\n`).join('')}Restart=on-failure
RestartSec=5s
RestartPreventExitStatus=${lastingExitCodes.join(' ')}
KillMode=mixed
TimeoutStopSec=${Math.ceil(stopTimeoutMs / 1000)}s

[Install]
WantedBy=default.target
`;
}

/** In the program itself `$` stands for itself; in its arguments it is doubled. systemd.service(5), command lines. */
function quotedArgument(text: string): string {
  return quoted(text).replaceAll('$', '$$$$');
}

function quoted(text: string): string {
  return `"${specifiersEscaped(text).replaceAll(/["\\]/g, '\\$&')}"`;
}

/** systemd.unit(5), specifiers. */
function specifiersEscaped(text: string): string {
  return text.replaceAll('%', '%%');
}
