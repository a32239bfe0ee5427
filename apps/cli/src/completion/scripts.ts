/** What each shell must read so that Tab asks `skein complete` for what may come next. */
export const COMPLETION_SCRIPTS = {
  bash: `_skein() {
  local IFS=$'\\n'
  COMPREPLY=($(skein complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null | cut -f1))
  if [ "\${#COMPREPLY[@]}" -eq 0 ]; then compopt -o default; fi
}
complete -F _skein skein
`,
  zsh: `#compdef skein
_skein() {
  local -a found
  local line
  for line in "\${(@f)$(skein complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    [ -n "$line" ] && found+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
  done
  if (( \${#found} )); then _describe skein found; else _files; fi
}
compdef _skein skein
`,
  fish: `function __skein_complete
  set -l words (commandline -opc) (commandline -ct)
  skein complete -- $words[2..-1] 2>/dev/null
end
complete -c skein -f -a '(__skein_complete)'
`,
} as const;

export const SHELLS = Object.keys(COMPLETION_SCRIPTS) as readonly (keyof typeof COMPLETION_SCRIPTS)[];
