// The launchd agent of macOS, as a property list.
import type { ServiceCommand } from '../../../schemas/service.ts';
import { markOf } from './mark.ts';
import { isXmlText, xmlText } from './xml.ts';

export const label = 'edgehop.agent';

/** Why no property list can hold this command; nothing where one can. */
export function unsuitableForLaunchd({ node, bin, args, environment, ...rest }: ServiceCommand): string | undefined {
  const texts = [node, bin, rest.workingDirectory, rest.logFolder ?? '', ...args, ...Object.values(environment)];
  const odd = texts.find((text) => !isXmlText(text));
  return odd === undefined ? undefined : `a path or option has a control character in it: ${JSON.stringify(odd)}`;
}

/** launchd.plist(5). */
export function launchAgent(command: ServiceCommand): string {
  const { node, bin, args, environment, workingDirectory, logFolder = '/tmp', stopTimeoutMs } = command;
  const line = [node, bin, 'start', ...args].map((each) => `    ${string(each)}`);
  const variables = Object.entries(environment).flatMap(([name, value]) => [
    `    <key>${xmlText(name)}</key>`,
    `    ${string(value)}`,
  ]);
  return `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<!-- Made by edgehop service install, which overwrites it. -->
<!-- ${markOf(command)} -->
<plist version="1.0">
<dict>
  <key>Label</key>
  ${string(label)}
  <key>ProgramArguments</key>
  <array>
${line.join('\n')}
  </array>
  <key>EnvironmentVariables</key>
  <dict>
${variables.map((each) => `${each}\n`).join('')}  </dict>
  <key>WorkingDirectory</key>
  ${string(workingDirectory)}
  <key>RunAtLoad</key>
  <true/>
  <key>KeepAlive</key>
  <dict>
    <key>SuccessfulExit</key>
    <false/>
  </dict>
  <key>ThrottleInterval</key>
  <integer>5</integer>
  <key>ExitTimeOut</key>
  <integer>${Math.ceil(stopTimeoutMs / 1000)}</integer>
  <key>ProcessType</key>
  <string>Interactive</string>
  <key>StandardOutPath</key>
  ${string(`${logFolder}/edgehop.log`)}
  <key>StandardErrorPath</key>
  ${string(`${logFolder}/edgehop.err.log`)}
</dict>
</plist>
`;
}

function string(text: string): string {
  return `<string>${xmlText(text)}</string>`;
}
