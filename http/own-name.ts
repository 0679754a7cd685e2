// The name at which edgehop itself answers whoever asks through it, and what is said at every other door of that name.
import { ProxyError } from './proxy-error.ts';

/** Nobody else's, and never looked up: ICANN keeps .internal for private use. */
export const ownName = 'edgehop.internal';

/** For tunnels, https and other ports: a tunnel would have to be spoken to, and there is no certificate of it. */
export function onlyPlainHttp(): ProxyError {
  const message = `${ownName} is edgehop itself. It answers plain HTTP on port 80, asked as a proxy, and nothing else.`;
  return new ProxyError('http_request_denied', message, { status: 403, advice: `Open http://${ownName}/ instead.` });
}
