/** The helper inside one debugged process: how it gets there, and its requests. */

import {
  CONFIGURE,
  FOCUS,
  HANDSHAKE,
  PROTOCOL_VERSION,
  SNAPSHOT,
  STACKS,
  splitErrorMessage,
  type AsText,
  type CallStackSettings,
  type ConfigureArguments,
  type ErrorCode,
  type FocusArguments,
  type Handshake,
  type HandshakeArguments,
  type SnapshotArguments,
  type SnapshotResponse,
  type StacksArguments,
  type StacksResponse,
} from "../protocol";

/** Sends a DAP request and returns the body of the response; rejects with an `Error` if the request fails. */
export type SendRequest = (command: string, args: object) => Promise<unknown>;

/** A request that failed. `message` is fit for the user; `code` is undefined if the error is not the helper's own. */
export class RequestError extends Error {
  constructor(
    message: string,
    readonly code: ErrorCode | undefined,
  ) {
    super(message);
    this.name = "RequestError";
  }
}

export interface HelperOptions {
  /** Returns the expression that installs the helper; it may be evaluated any number of times. */
  bootstrap(): Promise<string>;
  /** What the debugger's own list of threads should show. */
  callStack(): Required<CallStackSettings>;
}

export class Helper {
  readonly #send: SendRequest;
  readonly #options: HelperOptions;
  #ready: Promise<Handshake> | undefined;

  constructor(send: SendRequest, options: HelperOptions) {
    this.#send = send;
    this.#options = options;
  }

  /** Whether it has been installed, or is being. */
  get installed(): boolean {
    return this.#ready !== undefined;
  }

  /** Install the helper, once. After a failure the next call tries again. */
  ready(): Promise<Handshake> {
    this.#ready ??= this.#install().catch((error: unknown) => {
      this.#ready = undefined;
      throw error;
    });
    return this.#ready;
  }

  /** Let the helper know that its options have changed. */
  async configure(): Promise<void> {
    const { capabilities } = await this.ready();
    if (capabilities.callStack !== true) return;
    const args: ConfigureArguments = { callStack: this.#options.callStack() };
    await this.#request(CONFIGURE, args);
  }

  async snapshot(args: SnapshotArguments): Promise<SnapshotResponse> {
    await this.ready();
    return (await this.#request(SNAPSHOT, args)) as SnapshotResponse;
  }

  async stacks(args: StacksArguments): Promise<StacksResponse> {
    const { capabilities } = await this.ready();
    // The adapter takes long over many objects; ids of frames are for those that come one by one.
    if (args.frameIds !== false || capabilities.asText !== true) {
      return (await this.#request(STACKS, args)) as StacksResponse;
    }
    const { text } = (await this.#request(STACKS, { ...args, asText: true })) as AsText;
    return JSON.parse(text) as StacksResponse;
  }

  /** Have the editor show a frame in all of its views, as if its task had stopped; returns whether the helper can. */
  async focus(args: FocusArguments): Promise<boolean> {
    const { capabilities } = await this.ready();
    if (capabilities.focus !== true) return false;
    await this.#request(FOCUS, args);
    return true;
  }

  /** A standard request, such as `scopes` for a frame of a stack. */
  standard(command: string, args: object): Promise<unknown> {
    return this.#request(command, args);
  }

  async #install(): Promise<Handshake> {
    // Without a frame it is evaluated on the debugger's own thread, in no frame of the program.
    await this.#request("evaluate", { expression: await this.#options.bootstrap(), context: "repl" });
    const args: HandshakeArguments = { client: "vscode" };
    const handshake = (await this.#request(HANDSHAKE, args)) as Handshake;
    if (handshake.protocolVersion !== PROTOCOL_VERSION) {
      throw new RequestError(
        `The helper in the debugged process speaks version ${handshake.protocolVersion} of the protocol, ` +
          `this extension version ${PROTOCOL_VERSION}. Restart the debug session.`,
        undefined,
      );
    }
    return handshake;
  }

  async #request(command: string, args: object): Promise<unknown> {
    try {
      return await this.#send(command, args);
    } catch (error) {
      const [code, text] = splitErrorMessage(error instanceof Error ? error.message : String(error));
      throw new RequestError(text, code);
    }
  }
}
