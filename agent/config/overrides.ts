// The configuration in effect: the file's, then what the command line says.
import type { Config } from '../../schemas/config.ts';

/** Options of `start`, as the command line gives them. */
export interface StartOptions {
  readonly port?: number;
  readonly host?: string;
  readonly controlPort?: number;
  readonly config?: string;
  readonly edge?: string;
  readonly token?: string;
  readonly allowPrivate?: boolean;
  readonly log?: Config['log'];
}

/** The file's configuration with the options laid over it. An edge given by URL and token is added to the known ones. */
export function withOptions(config: Config, options: StartOptions): Config {
  const { edge, token } = options;
  const isUrl = edge !== undefined && /^https?:\/\//.test(edge) && URL.canParse(edge);
  return {
    ...config,
    listen: {
      host: options.host ?? config.listen.host,
      port: options.port ?? config.listen.port,
      controlPort: options.controlPort ?? config.listen.controlPort,
    },
    edge: {
      ...config.edge,
      use: edge ?? config.edge.use,
      edges:
        isUrl && token !== undefined
          ? [{ name: new URL(edge).hostname, url: edge, token }, ...config.edge.edges]
          : config.edge.edges,
    },
    admit: {
      destinations: {
        ...config.admit.destinations,
        allowPrivate: options.allowPrivate ?? config.admit.destinations.allowPrivate,
      },
    },
    log: options.log ?? config.log,
  };
}
