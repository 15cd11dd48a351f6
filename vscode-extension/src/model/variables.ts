/** The variables of a frame, through the standard requests of DAP. */

import type { DebugProtocol } from "@vscode/debugprotocol";
import type { Frame } from "../protocol";
import { CaptureEnded, type Capture } from "./capture";

export interface VariableRow {
  readonly id: string;
  readonly name: string;
  /** Undefined for a scope. */
  readonly value: string | undefined;
  readonly type: string | undefined;
  /** 0 if nothing is inside. */
  readonly reference: number;
  /** Reference of what it is in, for a change of its value. */
  readonly container: number;
  /** Whether its rows are shown at first. */
  readonly open: boolean;
}

/** Why the debugger cannot look into a frame; undefined if it can. */
export function obstacle({ live }: Capture, { name, frameId }: Frame): string | undefined {
  if (frameId !== undefined) return undefined;
  return `The variables of ${name} cannot be read: ${live ? "the program runs" : "its thread is not held"}.`;
}

/** The variables of one frame, until the program goes on. */
export class FrameVariables {
  constructor(
    readonly capture: Capture,
    readonly frame: Frame,
  ) {}

  /** The scopes, or what is inside `row`; empty once the program has gone on. */
  async children(row: VariableRow | undefined): Promise<VariableRow[]> {
    try {
      return row ? await this.#variables(row) : await this.#scopes();
    } catch (error) {
      if (error instanceof CaptureEnded) return [];
      throw error;
    }
  }

  /** @returns the new value as text */
  async setVariable(row: VariableRow, value: string): Promise<string> {
    const args: DebugProtocol.SetVariableArguments = { variablesReference: row.container, name: row.name, value };
    return (await this.#ask<DebugProtocol.SetVariableResponse["body"]>("setVariable", args)).value;
  }

  /** Evaluate an expression in the frame. */
  async evaluate(expression: string): Promise<VariableRow> {
    const args = { expression, frameId: this.frame.frameId, context: "repl" };
    const { result, type, variablesReference } = await this.#ask<DebugProtocol.EvaluateResponse["body"]>(
      "evaluate",
      args,
    );
    return {
      id: `= ${expression}`,
      name: expression,
      value: result,
      type,
      reference: variablesReference,
      container: 0,
      open: false,
    };
  }

  async #scopes(): Promise<VariableRow[]> {
    const { scopes } = await this.#ask<DebugProtocol.ScopesResponse["body"]>("scopes", { frameId: this.frame.frameId });
    return scopes.map((scope) => ({
      id: scope.name,
      name: scope.name,
      value: undefined,
      type: undefined,
      reference: scope.variablesReference,
      container: 0,
      open: !scope.expensive && scope.name !== "Globals",
    }));
  }

  async #variables(row: VariableRow): Promise<VariableRow[]> {
    const args = { variablesReference: row.reference };
    const { variables } = await this.#ask<DebugProtocol.VariablesResponse["body"]>("variables", args);
    return variables.map((variable, index) => ({
      id: `${row.id}/${index}:${variable.name}`,
      name: variable.name,
      value: variable.value,
      type: variable.type,
      reference: variable.variablesReference,
      container: row.reference,
      open: false,
    }));
  }

  async #ask<T>(command: string, args: object): Promise<T> {
    this.capture.check();
    const body = (await this.capture.helper.standard(command, args)) as T;
    this.capture.check();
    return body;
  }
}
