/* A program of its own that has a Python inside of it: runs the file that it is given. */
#include <Python.h>

int main(int count, char **arguments) {
    PyConfig config;
    PyConfig_InitIsolatedConfig(&config);
    PyStatus status = Py_InitializeFromConfig(&config);
    PyConfig_Clear(&config);
    if (count != 2 || PyStatus_Exception(status)) return 2;
    FILE *file = fopen(arguments[1], "r");
    if (file == NULL) return 3;
    int result = PyRun_SimpleFileEx(file, arguments[1], 1);
    return Py_FinalizeEx() < 0 ? 4 : result != 0;
}
