import assert from "node:assert/strict";
import { mock, test } from "node:test";
import type { Capture } from "../src/model/capture";
import { Store, type Session } from "../src/model/store";
import { options, Program } from "./program";

function newSession(): { store: Store; session: Session; changes: () => number } {
  const store = new Store(options());
  let changes = 0;
  store.onDidChange(() => (changes += 1));
  const session = store.open("s1", () => "Shop", new Program().send);
  return { store, session, changes: () => changes };
}

/** What is shown now; the compiler would take what it has seen before for granted. */
function captureOf(session: Session): Capture | undefined {
  return session.capture;
}

test("a stop brings a picture, another one replaces it, and going on ends it", () => {
  const { session, changes } = newSession();
  session.stopped();
  const first = session.capture;
  assert.deepEqual([first?.ended, first?.live], [false, false]);
  session.stopped();
  const second = session.capture;
  assert.equal(first?.ended, true);
  assert.equal(second?.ended, false);
  const before = changes();
  session.resumed(false);
  assert.equal(second.ended, true);
  assert.equal(session.capture, undefined);
  assert.equal(changes(), before + 1);
});

test("the picture stays visible, but takes nothing new, while a step is under way", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { session } = newSession();
  session.stopped();
  const before = session.capture;
  session.resumed(true);
  assert.ok(before?.ended);
  assert.equal(session.capture, before);
  session.stopped();
  assert.notEqual(session.capture, before);
  t.mock.timers.tick(10_000);
  assert.equal(captureOf(session)?.ended, false);

  session.resumed(true);
  t.mock.timers.tick(10_000);
  assert.equal(session.capture, undefined);
});

test("a running program can be looked at, until it stops", () => {
  const { session } = newSession();
  session.refresh();
  const live = captureOf(session);
  assert.equal(live?.live, true);
  session.resumed(false); // an event about a thread that went on says nothing about it
  assert.equal(session.capture, live);
  session.stopped();
  assert.equal(live.ended, true);
  assert.equal(captureOf(session)?.live, false);
});

test("a session that ends takes what it showed with it", () => {
  const { store, session } = newSession();
  session.stopped();
  const { capture } = session;
  store.close(session);
  assert.ok(capture?.ended);
  assert.deepEqual(store.sessions, []);
});

test("a restarted session replaces the one with its identifier, whose late end changes nothing", () => {
  const { store, session } = newSession();
  session.stopped();
  const again = store.open("s1", () => "Shop", new Program().send);
  assert.equal(session.capture, undefined);
  again.stopped();
  store.close(session);
  assert.equal(store.get("s1"), again);
  assert.ok(again.capture);
});

test("listeners can be removed", () => {
  const { store, session } = newSession();
  const listener = mock.fn();
  store.onDidChange(listener).dispose();
  session.stopped();
  assert.equal(listener.mock.callCount(), 0);
});

test("tasks are listed in the call stack from the first stop on, if that is wanted", async () => {
  const program = new Program();
  const store = new Store(options(true));
  const session = store.open("s1", () => "Shop", program.send);
  program.failures.push({ command: "evaluate", message: "not yet" });
  session.stopped();
  await assert.rejects(session.helper.ready());
  assert.deepEqual(program.asked("asynctbConfigure"), []);
  session.stopped();
  await session.capture?.load();
  const wanted = { callStack: { enabled: true, limit: 100, libraryTasks: true } };
  assert.deepEqual(program.asked("asynctbConfigure"), [wanted]);
  session.stopped();
  await session.capture?.load();
  assert.deepEqual(program.asked("asynctbConfigure"), [wanted]);
});

test("nothing is installed before anybody looks, if tasks are not to be listed", async () => {
  const program = new Program();
  const session = new Store(options(false)).open("s1", () => "Shop", program.send);
  session.stopped();
  assert.deepEqual(program.sent, []);
  program.capabilities = {};
  await session.helper.configure(); // an older helper
  assert.deepEqual(program.asked("asynctbConfigure"), []);
});
