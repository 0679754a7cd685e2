// `edgehop env`: prints the variables by which programs use the agent, for a shell to evaluate.
import { type ClientOptions, clientSetup } from './client-setup.ts';
import { type Shell, setLines, usualShell } from './shell-words.ts';

export interface EnvOptions extends ClientOptions {
  readonly shell?: Shell;
  readonly json?: boolean;
}

export async function env(options: EnvOptions, environment: NodeJS.ProcessEnv): Promise<void> {
  const { variables } = await clientSetup(options, environment);
  const shell = options.shell ?? usualShell(environment, process.platform);
  console.log(options.json === true ? JSON.stringify(variables) : setLines(variables, shell));
}
