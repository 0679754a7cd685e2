// The scheduled task of Windows, as XML.
import type { ServiceCommand } from '../../../schemas/service.ts';
import { markOf } from './mark.ts';
import { isXmlText, xmlText } from './xml.ts';

export const taskName = 'edgehop';

/** Why no task can hold this command; nothing where one can. */
export function unsuitableForTasks({ node, bin, args, environment, ...rest }: ServiceCommand): string | undefined {
  const texts = [node, bin, rest.workingDirectory, rest.logFolder ?? '', ...args, ...Object.values(environment)];
  const odd = texts.find((text) => !isXmlText(text));
  if (odd !== undefined) return `a path or option has a control character in it: ${JSON.stringify(odd)}`;
  // The Task Scheduler puts variables in their place, and has no way to write a percent sign that is none.
  const variable = texts.find((text) => /%[^%]+%/.test(text));
  return variable === undefined ? undefined : `the Task Scheduler would take a part of ${variable} for a variable`;
}

/**
 * [MS-TSCH] 2.5. Its own RestartOnFailure is for a program that cannot be started, not for one that ends with an error
 * (2.5.4.2): the agent is kept by `edgehop service run`, which also keeps its log. conhost, told so, opens no window.
 */
export function scheduledTask(command: ServiceCommand, user: string): string {
  return `<?xml version="1.0" encoding="UTF-16"?>
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo>
    <URI>\\${taskName}</URI>
    <Description>${xmlText(markOf(command))}</Description>
  </RegistrationInfo>
  <Triggers>
    <LogonTrigger>
      <Enabled>true</Enabled>
      <UserId>${xmlText(user)}</UserId>
    </LogonTrigger>
  </Triggers>
  <Principals>
    <Principal id="Author">
      <UserId>${xmlText(user)}</UserId>
      <LogonType>InteractiveToken</LogonType>
      <RunLevel>LeastPrivilege</RunLevel>
    </Principal>
  </Principals>
  <Settings>
    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
    <StartWhenAvailable>true</StartWhenAvailable>
    <AllowStartOnDemand>true</AllowStartOnDemand>
    <Enabled>true</Enabled>
    <Hidden>true</Hidden>
    <ExecutionTimeLimit>PT0S</ExecutionTimeLimit>
    <Priority>5</Priority>
    <RestartOnFailure>
      <Interval>PT1M</Interval>
      <Count>255</Count>
    </RestartOnFailure>
  </Settings>
  <Actions Context="Author">
    <Exec>
      <Command>%SystemRoot%\\System32\\conhost.exe</Command>
      <Arguments>${xmlText(argumentsOf(command))}</Arguments>
      <WorkingDirectory>${xmlText(command.workingDirectory)}</WorkingDirectory>
    </Exec>
  </Actions>
</Task>
`;
}

function argumentsOf({ node, bin, args, environment, logFolder = '.' }: ServiceCommand): string {
  const variables = Object.entries(environment).flatMap(([name, value]) => ['--set', `${name}=${value}`]);
  const kept = ['service', 'run', '--logs', logFolder, ...variables, '--', ...args];
  return ['--headless', ...[node, bin, ...kept].map(windowsArgument)].join(' ');
}

/** As CommandLineToArgvW takes it apart again: backslashes count double before a quotation mark, and only there. */
export function windowsArgument(text: string): string {
  if (/^[\w.:\\/=-]+$/.test(text) && !text.endsWith('\\')) return text;
  return `"${text.replaceAll(/(\\*)"/g, '$1$1\\"').replace(/\\+$/, '$&$&')}"`;
}
