// What `node agent/main.ts` runs: Node adds `.js` to a name it does not find, so even a Node that reads no TypeScript gets here.
if (Number(process.versions.node.split('.')[0]) >= 24) {
  import('./cli/program.ts').then(({ run }) => run(process.argv.slice(2), process.env));
} else {
  console.error(`edgehop's sources need Node 24 or later: this is Node ${process.versions.node}.
Run \`npm ci\` and then \`node bin/edgehop.js\` with the same arguments (it brings its own Node), or install Node 24 or later.`);
  process.exitCode = 1;
}
