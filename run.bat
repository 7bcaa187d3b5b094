@echo off
rem Starts Parlance. Finds a Python, then leaves the rest to tts_server\launcher\launcher.py; "run.bat --help" lists the commands.
rem Set NO_PAUSE to close the window at once after an error.
setlocal DisableDelayedExpansion

set "launcher=%~dp0tts_server\launcher\launcher.py"
set "check=import sys; v = sys.version_info[:2]; sys.exit(1 if v < (3, 10) else 2 if v > (3, 14) else 0)"
set "python="
set "option="
set "newer="
set "seen="

rem The launcher of python.org first. The Store's python.exe that only opens the Store fails the check.
call :consider py.exe -3
call :consider python.exe
call :consider python3.exe
call :consider python.bat
if not defined python if defined seen for %%v in (14 13 12 11 10) do call :consider py.exe -3.%%v
if not defined python if defined newer set "python=%newer%"
if not defined python goto missing
if /i "%python:~-6%"=="py.exe" if not defined option set "option=-3"
if /i "%python:~-4%"==".bat" goto batch
"%python%" %option% -I "%launcher%" %*
set "code=%errorlevel%"
goto end

rem A Python that is itself a batch file (pyenv) comes back only from a "call", which would harm percent signs in the arguments.
:batch
call "%python%" -I "%launcher%" %*
set "code=%errorlevel%"
goto end

:missing
echo Parlance needs Python 3.10 or newer.
if defined seen (
    echo A Python was found here, but it is too old or does not run.
) else (
    echo No Python was found here.
)
echo Install one from https://www.python.org/downloads/ ^(tick "Add python.exe to PATH"^)
echo or with:  winget install Python.Python.3.12
echo Then start again.
set "code=1"

:end
rem A double-click passes no arguments: keep the window, so that the error can be read.
if not "%code%"=="0" if "%~1"=="" if not defined NO_PAUSE pause
exit /b %code%

:consider
if defined python exit /b 0
if "%~$PATH:1"=="" exit /b 0
set "seen=1"
if /i "%~x1"==".bat" (call "%~$PATH:1" -I -c "%check%" >nul 2>nul) else ("%~$PATH:1" %2 -I -c "%check%" >nul 2>nul)
if "%errorlevel%"=="2" if not defined newer set "newer=%~$PATH:1"
if not "%errorlevel%"=="0" exit /b 0
set "python=%~$PATH:1"
set "option=%2"
exit /b 0
