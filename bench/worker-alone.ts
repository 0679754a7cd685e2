// The worker on its workerd without an agent, run as a process of its own.
import { startRuntime } from '../agent/edge/runtime.ts';
import { workerSource } from '../agent/edge/worker-source.ts';

const [token = ''] = process.argv.slice(2);
const starting = startRuntime({
  source: await workerSource(),
  token,
  policy: { allowPrivate: true, exceptions: [] },
  onLogLine: (line) => console.error(line),
  onExit: (because) => {
    console.error(`workerd has ended: ${because}`);
    process.exit(1);
  },
});
const stop = async () => {
  await (await starting)[Symbol.asyncDispose]();
  process.exit();
};
process.on('SIGTERM', stop);
process.on('disconnect', stop);
const { origin, processId } = await starting;
process.send?.({ port: Number(new URL(origin).port), workerdPid: processId });
