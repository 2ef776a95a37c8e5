// node compile.mjs PYODIDE_FOLDER OUT_FOLDER NUMPY_WHEEL
// Precompiles Python's standard library and NumPy with the Python that will run them, and leaves
// out what a page never imports. The same input gives the same bytes.
import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [from, out, wheel] = process.argv.slice(2).map((path) => resolve(path));
const STDLIB = [
  "idlelib|ensurepip|lib2to3|pydoc_data|turtledemo|tkinter|sqlite3|xmlrpc|curses|dbm|wsgiref",
  "multiprocessing|xml|email/_header.*",
  "mailbox|imaplib|smtplib|ftplib|poplib|nntplib|telnetlib|cgi|cgitb|turtle|venv|distutils|test",
  "unittest/mock|http/(?:server|cookiejar|cookies)|logging/(?:handlers|config)|webbrowser|pdb|bdb",
  "socketserver|pickletools|_pyio|_pydecimal|optparse|getpass|cmd|code|codeop|pty|tty|profile",
  "cProfile|pstats|trace|tracemalloc|zipapp|compileall|modulefinder|sched|netrc|plistlib|msilib",
].join("|");
const NUMPY = "numpy/f2py|.*/tests|numpy/conftest|.*\\.(?:pyi|pxd|h|a|c|ini|py\\.typed)$|.*/_simd\\..*|.*_tests\\..*|numpy/_core/include|numpy/_core/lib|numpy/distutils|.*/meson\\.build|numpy/typing|.*/_examples|.*RECORD|.*/py\\.typed";

const { loadPyodide } = await import(pathToFileURL(join(from, "pyodide.mjs")));
const python = await loadPyodide({ indexURL: `${from}/` });
const compile = python.runPython(`
import io, py_compile, re, zipfile

def compiled(data, leave_out):
    pattern = re.compile(rf"(?:{leave_out})(?:[/.].*)?$")
    source, made = zipfile.ZipFile(io.BytesIO(data.to_py())), io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as target:
        for name in sorted(source.namelist()):
            if name.endswith("/") or pattern.match(name):
                continue
            content = source.read(name)
            if name.endswith(".py"):
                open("/in.py", "wb").write(content)
                mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
                py_compile.compile("/in.py", "/out.pyc", name, True, invalidation_mode=mode)
                name, content = name + "c", open("/out.pyc", "rb").read()
            entry = zipfile.ZipInfo(name, (2025, 1, 1, 0, 0, 0))
            entry.external_attr, entry.compress_type = 0o644 << 16, zipfile.ZIP_DEFLATED
            target.writestr(entry, content, compresslevel=9)
    return made.getvalue()

compiled
`);
const parts = { "python_stdlib.zip": [join(from, "python_stdlib.zip"), STDLIB], "numpy.zip": [wheel, NUMPY] };
for (const [name, [path, leaveOut]] of Object.entries(parts)) {
  const made = compile(new Uint8Array(readFileSync(path)), leaveOut);
  writeFileSync(join(out, name), made.toJs());
}
