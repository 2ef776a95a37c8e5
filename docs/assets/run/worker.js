// Python for the page: loads Pyodide and NumPy from this site, then runs one job at a time.
// In:  { boot: folder } once, then { id, earlier, code, check, edited }.
// Out: { ready }, { fatal }, and for a job { id, type: "start" | "out" | "error" | "svg" | "done" }.
const PRELUDE = `
import ast, io, linecache, sys, traceback, types, warnings
import numpy as np
from pyodide.code import eval_code

# Unbuffered: what was printed before an endless loop is seen.
outputs = [
    io.TextIOWrapper(io.FileIO(n, "w", closefd=False), "utf-8", "replace", write_through=True)
    for n in (1, 2)]
HINTS = [
    (ModuleNotFoundError, "", "In this page Python has its standard library and NumPy only."),
    (RuntimeError, "stack switch", "In this page asyncio.run does not work."),
    (RuntimeError, "start new thread", "In this page there are no threads."),
]

def kept_frames(part, names, seen):
    if part is None or id(part) in seen:
        return
    seen.add(id(part))
    part.stack = traceback.StackSummary.from_list(
        [frame for frame in part.stack if frame.filename in names])
    for other in (part.__cause__, part.__context__, *(part.exceptions or ())):
        kept_frames(other, names, seen)

def readers_lines(error, names):
    made = traceback.TracebackException.from_exception(error)
    kept_frames(made, names, set())
    text = "".join(made.format()).rstrip()
    for kind, words, hint in HINTS:
        if isinstance(error, kind) and words in text:
            text += "\\n" + hint
    return text

def step(module, name, code, show_value):
    linecache.cache[name] = (len(code), None, [line + "\\n" for line in code.split("\\n")], name)
    value = eval_code(code, globals=module.__dict__, filename=name)
    if hasattr(value, "_repr_svg_"):
        return value._repr_svg_(), ""
    return "", repr(value) if show_value and value is not None else ""

def run(earlier, code, check, edited, quiet, emit):
    # Nothing is left of what ran before: this is the program that Copy gives.
    module = sys.modules["__main__"] = types.ModuleType("__main__")
    sys.stdout, sys.stderr = outputs
    steps = [(f"earlier code {n}", text) for n, text in enumerate(earlier.to_py(), 1)]
    names = {name for name, _ in steps} | {"your code"}
    try:
        with np.printoptions(), np.errstate(), warnings.catch_warnings():
            quiet(True)
            for name, text in steps:
                step(module, name, text, False)
            quiet(False)
            svg, value = step(module, "your code", code, edited)
            if svg:
                emit("svg", svg, "")
            if value:
                print(value)
            if check:
                step(module, "the check", check, False)
    except BaseException as error:
        quiet(False)
        try:
            text, wrong = readers_lines(error, names), str(error)
        except Exception:
            text, wrong = f"{type(error).__name__}, which cannot be printed", ""
        if check and isinstance(error, AssertionError) and wrong:
            emit("wrong", wrong, "")
        else:
            summary = f"{type(error).__name__}: {wrong}".split("\\n")[0].strip()
            emit("error", text, summary)
        return False
    return True

def plots(source, display):
    package, module = types.ModuleType("matplotlib"), types.ModuleType("matplotlib.pyplot")
    exec(compile(source, "pyplot.py", "exec"), module.__dict__)
    module.display = display
    package.pyplot, package.__path__ = module, []
    sys.modules.update({"matplotlib": package, "matplotlib.pyplot": module})
`;
const MOST = 20000; // characters of output
const PICTURES = 20; // of at most a million characters each
let booted, python, api;

async function bytes(url, options) {
  const answer = await fetch(url, options);
  if (!answer.ok) throw new Error(`${new URL(url).pathname.split("/").pop()}: HTTP ${answer.status}`);
  return answer;
}

async function boot(folder) {
  const numpy = bytes(`${folder}numpy.zip`).then((answer) => answer.arrayBuffer()); // both downloads at once
  numpy.catch(() => {}); // reported below, where it is awaited
  const { loadPyodide } = await import(`${folder}pyodide.mjs`);
  python = await loadPyodide({ indexURL: folder });
  python.unpackArchive(await numpy, "wheel");
  api = python.runPython(`${PRELUDE}\ntypes.SimpleNamespace(run=run, plots=plots)`);
  postMessage({ ready: true });
}

let drawing;
async function prepare(job, show) {
  if (![...job.earlier, job.code].some((text) => text.includes("matplotlib"))) return;
  drawing ??= await bytes(new URL("pyplot.py", import.meta.url)).then((answer) => answer.text());
  api.plots(drawing, show);
}

self.onmessage = async ({ data }) => {
  if (data.boot) {
    booted = boot(data.boot);
    booted.catch((error) => postMessage({ fatal: String(error?.message ?? error) }));
    return;
  }
  try { await booted; } catch { return; }
  const { id, earlier, code, check, edited } = data;
  const decoder = new TextDecoder();
  let waiting = "", sent = 0, writes = 0, last = 0, silent = false, pictures = 0;
  const tell = (type, text, summary) => postMessage({ id, type, text, summary });
  const flush = () => {
    if (waiting) tell("out", waiting);
    waiting = "";
    last = performance.now();
  };
  const write = (buffer) => {
    const text = silent ? "" : decoder.decode(buffer, { stream: true });
    if (sent <= MOST && text) {
      sent += text.length;
      waiting += sent > MOST ? `${text.slice(0, Math.max(0, text.length - (sent - MOST)))}\n… cut here: more than ${MOST} characters\n` : text;
      // No timer fires while Python runs: whole lines go out at once, pieces of lines in portions.
      if (++writes < 200 || text.endsWith("\n") || performance.now() - last > 60 || sent > MOST) flush();
    }
    return buffer.length;
  };
  const clip = (text) => (text.length <= MOST ? text : `${text.slice(0, MOST / 2)}\n… cut here …\n${text.slice(-MOST / 2)}`);
  const picture = (svg) => {
    if (silent || ++pictures > PICTURES + 1) return;
    flush();
    if (pictures > PICTURES) tell("out", `… cut here: more than ${PICTURES} drawings\n`);
    else if (svg.length > 1e6) tell("out", "… a drawing of more than a million characters is not shown\n");
    else tell("svg", svg);
  };
  const emit = (type, text, summary) => {
    flush();
    if (type === "svg") picture(text);
    else tell(type, clip(text), clip(summary));
  };
  python.setStdout({ write, isatty: false });
  python.setStderr({ write, isatty: false });
  python.setStdin({ stdin: () => null });
  tell("start");
  const begun = performance.now();
  try {
    await prepare(data, picture);
    const ok = api.run(earlier, code, check ?? "", Boolean(edited), (on) => { flush(); silent = on; }, emit);
    flush();
    postMessage({ id, type: "done", ok, ms: performance.now() - begun });
  } catch (error) {
    flush();
    postMessage({ fatal: String(error?.message ?? error) });
  }
};
