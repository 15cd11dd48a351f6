/** Checks data against the schema of snapshot files: the part of JSON Schema that is used there. */

import schema from "../../../dap_extension/snapshot_files/schema.json";

/** What is wrong with a value: where, and what should stand there. */
type Problem = readonly [where: string, expected: string];
type Check = (value: unknown) => Problem | undefined;
type Definitions = Map<string, Check>;

interface Part {
  readonly $ref?: string;
  readonly anyOf?: readonly Part[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly type?: string;
  readonly items?: Part;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Part>>;
  readonly propertyNames?: { readonly pattern: string };
  readonly additionalProperties?: Part;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
}

const definitions: Definitions = new Map();
for (const [name, part] of Object.entries(schema.$defs)) definitions.set(`#/$defs/${name}`, compile(part));
const checkDocument = compile(schema);

/**
 * What is wrong with a document as a whole, in words that show nothing of its values.
 *
 * What the schema does not know is removed: it comes from a later version.
 *
 * @throws RangeError if it is nested too deeply
 */
export function problemOf(value: unknown): string | undefined {
  const wrong = checkDocument(value);
  return wrong && `${wrong[0].replace(/^\./, "") || "the whole"} should be ${wrong[1]}`;
}

function compile(part: Part): Check {
  const { $ref, anyOf, type } = part;
  if ($ref !== undefined) return (value) => definitions.get($ref)?.(value);
  if (anyOf) {
    const checks = anyOf.map(compile);
    return (value) => {
      let wrong: Problem | undefined;
      for (const check of checks) {
        wrong = check(value);
        if (!wrong) break;
      }
      return wrong;
    };
  }
  if ("const" in part) return oneOf([part.const]);
  if (part.enum) return oneOf(part.enum);
  if (type === "object") return objectCheck(part);
  if (type === "array") return arrayCheck(compile(part.items ?? {}));
  return scalarCheck(part);
}

function oneOf(values: readonly unknown[]): Check {
  const texts = values.map((each) => JSON.stringify(each)).join(", ");
  const wrong: Problem = ["", values.length > 1 ? `one of ${texts}` : texts];
  return (value) => (values.includes(value) ? undefined : wrong);
}

function arrayCheck(item: Check): Check {
  return (value) => {
    if (!Array.isArray(value)) return ["", "an array"];
    for (const [index, each] of value.entries()) {
      const wrong = item(each);
      if (wrong) return [`[${index}]${wrong[0]}`, wrong[1]];
    }
    return undefined;
  };
}

function objectCheck(part: Part): Check {
  const { required = [], propertyNames, additionalProperties } = part;
  const properties = new Map(Object.entries(part.properties ?? {}).map(([key, each]) => [key, compile(each)]));
  const names = propertyNames && new RegExp(propertyNames.pattern);
  const others = additionalProperties && compile(additionalProperties);
  return (value) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return ["", "an object"];
    const object = value as Record<string, unknown>;
    for (const key of required) if (!Object.hasOwn(object, key)) return [`.${key}`, "present"];
    for (const [key, item] of Object.entries(object)) {
      const known = properties.get(key);
      const wrong = (known ?? others)?.(item);
      if (wrong) return [known ? `.${key}${wrong[0]}` : wrong[0], wrong[1]];
      if (names && !names.test(key)) return ["", "an object whose keys are numbers"];
      if (!known && !others) Reflect.deleteProperty(object, key);
    }
    return undefined;
  };
}

function scalarCheck({
  type = "",
  minimum = -Infinity,
  maximum = Infinity,
  minLength = 0,
  maxLength,
  pattern,
}: Part): Check {
  const wrong: Problem = ["", type === "integer" ? "an integer of the right size" : `a ${type} of the right size`];
  const expression = pattern === undefined ? undefined : new RegExp(pattern);
  return (value) => {
    switch (type) {
      case "string":
        if (typeof value !== "string" || value.length < minLength || value.length > (maxLength ?? Infinity))
          return wrong;
        return expression?.test(value) === false ? wrong : undefined;
      case "boolean":
        return typeof value === "boolean" ? undefined : wrong;
      default:
        if (typeof value !== "number" || value < minimum || value > maximum) return wrong;
        return type === "integer" && !Number.isInteger(value) ? wrong : undefined;
    }
  };
}
