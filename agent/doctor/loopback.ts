// Why browsers ask this machine's own servers without any proxy: nobody can measure that from here, so it is explained.
import { type Check, skip } from './check.ts';

export const loopbackCheck: Check = {
  name: 'browsers and localhost',
  deadlineMs: 1_000,
  run: () => [
    skip(
      'browsers and localhost',
      'Chromium and Firefox never send localhost, 127.0.0.1 and [::1] to a proxy unless told to, whatever the settings of the system say, so that edgehop does not see these requests',
      'Start Chromium with --proxy-bypass-list="<-loopback>", or set network.proxy.allow_hijacking_localhost in about:config of Firefox; or reach your server by a reverse route (`docs/pools.md`)',
    ),
  ],
};
