// What edgehop shows of itself at edgehop.internal: a page, its state, the PAC file and the CA's certificate, all to be read only.
import type { Fields } from '../../http/fields.ts';
import { ownName } from '../../http/own-name.ts';
import { pacFile, pacType } from '../../http/pac.ts';
import type { OwnStatus } from '../../schemas/api.ts';
import type { Config } from '../../schemas/config.ts';
import type { OwnPage, OwnPages } from '../proxy/apply/own-answer.ts';
import { certificateOf, type OwnCertificate } from './certificate.ts';
import { styleSource, welcomePage } from './welcome-page.ts';

/** Each is asked anew, since what is in force may change. */
export interface OwnPagesPorts {
  readonly config: () => Pick<Config, 'pac' | 'reverse' | 'admit'>;
  readonly status: () => OwnStatus;
  /** The certificate of the local CA as PEM, once there is one. */
  readonly certificate: () => string | undefined;
  /** Where this machine's browsers find the PAC file. */
  readonly pacUrl: () => string;
}

export function createOwnPages(ports: OwnPagesPorts): OwnPages {
  return ({ method, path, reachedAt }) => {
    if (method !== 'GET' && method !== 'HEAD') {
      return sentence(405, `${ownName} is there to be read: it answers GET and HEAD.`, [['Allow', 'GET, HEAD']]);
    }
    switch (path) {
      case '/':
        return welcome(ports, reachedAt);
      case '/status':
        return page('application/json', `${JSON.stringify(ports.status())}\n`);
      case '/proxy.pac':
        return pacPage(ports, reachedAt);
      case '/ca.pem':
        return ofCertificate(ports, ({ pem }) => page('application/x-pem-file', pem, named('edgehop-ca.pem')));
      case '/ca.crt':
        return ofCertificate(ports, ({ der }) => page('application/x-x509-ca-cert', der, named('edgehop-ca.crt')));
      default:
        return sentence(404, `There is nothing here: see http://${ownName}/.`);
    }
  };
}

/** The PAC file for clients that reach the proxy at host:port. */
export function pacPage({ config }: Pick<OwnPagesPorts, 'config'>, proxy: string): OwnPage {
  const { pac, reverse, admit } = config();
  return page(pacType, pacFile({ proxy, pac, reverse, destinations: admit.destinations }));
}

function welcome({ status, certificate, pacUrl }: OwnPagesPorts, reachedAt: string): OwnPage {
  const pem = certificate();
  const fingerprint = pem === undefined ? undefined : certificateOf(pem).fingerprint;
  const html = welcomePage({ status: status(), reachedAt, pacUrl: pacUrl(), fingerprint });
  return page('text/html; charset=utf-8', html, [], styleSource);
}

function ofCertificate({ certificate }: OwnPagesPorts, show: (certificate: OwnCertificate) => OwnPage): OwnPage {
  const pem = certificate();
  return pem === undefined ? sentence(404, noCertificate) : show(certificateOf(pem));
}

const noCertificate = 'edgehop has no certificate to install: no local CA has been made on this machine.';

/** Not as an attachment: iOS and Firefox then offer to install it. */
function named(file: string): Fields {
  return [['Content-Disposition', `inline; filename="${file}"`]];
}

function sentence(status: number, text: string, fields: Fields = []): OwnPage {
  return { ...page('text/plain; charset=utf-8', `${text}\n`, fields), status };
}

function page(type: string, content: string | Buffer, fields: Fields = [], styles = "'none'"): OwnPage {
  const octets = typeof content === 'string' ? Buffer.from(content) : content;
  const policy = `default-src 'none'; style-src ${styles}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;
  const own: Fields = [
    ['Content-Type', type],
    ['Content-Security-Policy', policy],
  ];
  return { status: 200, fields: [...own, ...guards, ...fields], octets };
}

/**
 * No page of another site may read these, run them or frame them: the PAC file is a script that names private hosts, and
 * `nosniff` keeps a browser from running it as one.
 */
const guards: Fields = [
  ['Cache-Control', 'no-store'],
  ['X-Content-Type-Options', 'nosniff'],
  ['Cross-Origin-Resource-Policy', 'same-origin'],
  ['Referrer-Policy', 'no-referrer'],
];
