/** The look of HTML pages: light and dark, readable at a glance, also on paper and on a phone. */
export const PAGE_STYLE = `
:root { color-scheme: light dark; --ink: #1c2430; --soft: #5d6b7d; --paper: #fff; --panel: #f4f6f9; --line: #d9dfe7;
  --green: #146c3a; --amber: #8a5a00; --red: #b3261e; --blue: #1d5fa8; --add: #e3f5e9; --del: #fbe6e4; }
@media (prefers-color-scheme: dark) { :root { --ink: #e5eaf1; --soft: #96a3b5; --paper: #12171e; --panel: #1b222c; --line: #323c4a;
  --green: #6fd49a; --amber: #f0b84a; --red: #ff8a80; --blue: #7db7f5; --add: #143524; --del: #43201e; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 68rem; padding: 2rem 1.25rem 3rem; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, sans-serif; }
h1 { margin: 0; font-size: 1.7rem; } h2 { margin: 2rem 0 .6rem; font-size: 1.15rem; }
.waves td, .waves th { padding: .15rem .8rem .15rem 0; text-align: left; } .refusal { color: var(--red); }
.pool i { display: inline-block; width: .8rem; height: .8rem; margin-right: .2rem; border-radius: .2rem; border: 1px solid var(--green); }
.pool i.up { background: var(--green); } .pool i.away { border-color: var(--amber); border-style: dashed; }
header p { margin: .2rem 0 0; color: var(--soft); }
code, pre { font: 13px/1.5 ui-monospace, monospace; overflow-wrap: anywhere; }
.tiles { display: flex; flex-wrap: wrap; gap: .6rem; margin: 1.4rem 0; padding: 0; list-style: none; }
.tiles li { padding: .5rem .9rem; border: 1px solid var(--line); border-radius: .5rem; background: var(--panel); color: var(--soft); }
.tiles b { display: block; font-size: 1.5rem; line-height: 1.2; color: var(--ink); }
.tiles .create b { color: var(--green); } .tiles .change b { color: var(--amber); }
.tiles .remove b, .tiles .trouble b { color: var(--red); } .tiles .run b, .tiles .handler b { color: var(--blue); }
.wide { overflow-x: auto; }
table { border-collapse: collapse; } th { text-align: left; font-weight: 600; }
.wide th, .wide td { padding: .35rem .9rem .35rem 0; border-bottom: 1px solid var(--line); }
small { color: var(--soft); font-weight: 400; }
td.calm { color: var(--soft); } td.change { color: var(--amber); font-weight: 600; } td.trouble { color: var(--red); }
section.trouble { margin: 1rem 0; padding: .2rem 1rem .6rem; border: 1px solid var(--red); border-radius: .5rem; }
section.trouble h2 { margin: .6rem 0; color: var(--red); }
details { margin: .6rem 0; border: 1px solid var(--line); border-left: 4px solid var(--line); border-radius: .4rem; padding: .5rem .9rem; }
details.create { border-left-color: var(--green); } details.change { border-left-color: var(--amber); }
details.remove { border-left-color: var(--red); } details.run, details.handler, details.rejoin { border-left-color: var(--blue); }
summary { cursor: pointer; } .verb { display: inline-block; min-width: 4.2rem; color: var(--soft); }
.host { margin-left: .4rem; padding: .05rem .45rem; border-radius: 1rem; background: var(--panel); color: var(--soft); font-size: 13px; }
.then, .note, .where, footer { color: var(--soft); } .then { margin-left: .6rem; font-size: 13px; }
.fields { margin: .5rem 0 0; } .fields th { padding-right: 1rem; color: var(--soft); font-weight: 400; vertical-align: top; }
.fields td { vertical-align: top; } .arrow { padding: 0 .6rem; color: var(--soft); }
.note, .where { margin: .4rem 0 0; font-size: 13px; }
pre { margin: .6rem 0 0; padding: .5rem 0; border-radius: .4rem; background: var(--panel); overflow-x: auto; }
pre span { display: block; padding: 0 .8rem; white-space: pre-wrap; }
.add { background: var(--add); color: var(--green); } .del { background: var(--del); color: var(--red); } .hunk { color: var(--blue); }
svg.cluster { max-width: 100%; height: auto; margin: .6rem 0; font: 13px system-ui, sans-serif; }
.cluster rect { fill: var(--panel); stroke: var(--line); stroke-width: 1.5; } .cluster text { fill: var(--ink); }
.cluster .name { font-weight: 600; font-size: 15px; } .cluster .state { fill: var(--soft); } .cluster .role { fill: var(--green); }
.cluster .primary rect { stroke: var(--green); stroke-width: 2.5; } .cluster .standby rect { stroke: var(--green); }
.cluster .away rect { stroke: var(--red); stroke-dasharray: 5 4; } .cluster .away .role { fill: var(--red); }
.cluster .flow { fill: none; stroke: var(--soft); stroke-width: 1.5; marker-end: url(#tip); } .cluster marker path { fill: var(--soft); }
footer { margin-top: 2.5rem; font-size: 13px; }
@media print { details { break-inside: avoid; } }
`
