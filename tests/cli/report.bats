#!/usr/bin/env bats
# repro report: results as a page and as an appendix, from results alone.
load common

# The project's own results, in a folder of this test; no backend to be found.
kept_results() {
    [ -d "$REPRO_SHARE/doc/results/small/runs" ] || skip "no doc/results in this tree"
    cp -r "$REPRO_SHARE/doc/results/small" kept
    chmod -R u+w kept
    rm -f kept/report.*
    export REPRO_BACKEND_PATH=/nonexistent
    unset REPRO_BACKEND
}

# page FILE: read with a parser; its last line counts what is in it.
page() {
    run python3 "$BATS_TEST_DIRNAME/page.py" "$1"
    echo "$output"
    [ "$status" -eq 0 ]
}

# A PATH on which there is gnuplot and nothing else.
only_gnuplot() {
    mkdir bin
    ln -s "$(command -v gnuplot)" bin/gnuplot
    export REPRO_TEST_PATH=$PATH
    PATH=$PWD/bin
}

need_latex() {
    command -v pdflatex >/dev/null && kpsewhich booktabs.sty xcolor.sty >/dev/null ||
        skip "LaTeX is missing (Debian: texlive-latex-recommended)"
}

# run_folder NAME: of figure 5's run by openblas.
run_folder() {
    dirname "$(grep -l "\"run\": \"$1\"" kept/runs/*-openblas-*/manifest.json)"
}

@test "every figure and set of the project's results is on the page, which needs nothing else" {
    kept_results
    repro report --out kept
    [ "$status" -eq 0 ]
    [[ $output == *"page: kept/report.html"* ]]
    page kept/report.html
    read -r _ figures _ pictures _ <<< "${lines[-1]}" # more with every result that is kept
    [ "$figures" -ge 10 ]
    [ "$pictures" -ge 36 ]
    for set in figure1-paper figure2-small-cifar10-onednn figure3-small-cifar10-onednn \
        figure4-small-cifar10-onednn figure5-small-cifar10-onednn \
        figure5-small-cifar10-onednn-t2 figure5-small-cifar10-onednn-bf16 \
        figure5-small-cifar10-openblas figure6-small-imagenet-onednn \
        appendix-a-small-cifar10-onednn-s1; do
        grep -q "<section class=\"set\" id=\"$set\">" kept/report.html
    done
    [ -z "$(find kept -name '.report*' -o -name '*.part')" ]
}

@test "what a set says of itself: numbers, words, verdicts, where it comes from" {
    kept_results
    repro report figure5 --out kept --backend openblas
    [ "$status" -eq 0 ]
    page kept/report.html
    [[ ${lines[-1]} == "figures 1 pictures 4 "* ]]
    local text
    for text in "Profile small, CIFAR-10, openblas in f32, seed 1" "83.48 %" "94.3 %" "15600" \
        "78000" "~80000 updates" "36.1 times as many" "at least 30 times" "half a unit of the one" \
        "NOT ENOUGH RUNS" "digest bdeffe248f40e9a5" "the defaults, under which" "OpenBLAS" \
        "4 of 4 done" "repro figure5 --profile small --data DIR --backend openblas<" \
        "any number gives the same bits" "in the paper, digitised" "Increased momentum coefficient"
    do
        grep -qF "$text" kept/report.html || { echo "not there: $text"; return 1; }
    done
    grep -qE "commit [0-9a-f]{12}" kept/report.html
    [ "$(grep -c 'class="verdict HOLDS"' kept/report.html)" -eq 6 ]
}

@test "the same results make the same page" {
    kept_results
    repro report figure2 figure1 --out kept --to one
    repro report figure2 figure1 --out kept --to two
    [ "$status" -eq 0 ]
    cmp one/report.html two/report.html
    [ ! -e kept/report.html ]
}

@test "a figure of which runs are missing or begun is shown as what it is" {
    kept_results
    rm -r "$(run_folder increased-momentum-coefficient)"
    sed -i 's/"status": "done"/"status": "running"/' \
        "$(run_folder increased-initial-learning-rate)/manifest.json"
    repro report figure5 --out kept --backend openblas
    [ "$status" -eq 0 ]
    page kept/report.html
    grep -q "2 of 4 done" kept/report.html
    grep -q "2 of 4 runs are not done and not drawn" kept/report.html
    grep -q "0 done, 1 begun (40 of 40 epochs)" kept/report.html
    grep -q ">not done<" kept/report.html
}

@test "nothing trained: the plan, and how to train" {
    mkdir empty
    repro report figure2 appendix-a --out empty
    [ "$status" -eq 0 ]
    page empty/report.html
    grep -q "No finished run under empty; repro figure2 trains them" empty/report.html
    grep -q "Nothing measured under empty; repro appendix-a measures it" empty/report.html
    grep -q "in the paper, digitised" empty/report.html
}

@test "titles, claims and paths are text: in HTML, in LaTeX, in the shell" {
    own_share
    python3 - share/experiments/figure1.exp <<'CHANGE'
import sys
text = open(sys.argv[1]).read()
text = text.replace('title = "Decaying learning rate"',
                    r'title = "<b>&amp; 50 % of $\\x_1$ #{~^} \\input{x} é"')
text = text.replace('half a unit of', r'<script>alert(1)</script> \"half\" of')
open(sys.argv[1], "w").write(text)
CHANGE
    mkdir "it's & <here>"
    cp share/experiments/figure1.exp share/experiments/cifar10.conf "it's & <here>/"
    repro report "./it's & <here>/figure1.exp" --out "it's & <here>"
    [ "$status" -eq 0 ]
    page "it's & <here>/report.html"
    [ "$(grep -c "<script\|<b>" "it's & <here>/report.html")" -eq 0 ]
    grep -qF '&lt;b&gt;&amp;amp; 50 % of $\x_1$' "it's & <here>/report.html"
    grep -qF "repro &#39;./it&#39;\\&#39;&#39;s &amp; &lt;here&gt;/figure1.exp&#39;" \
        "it's & <here>/report.html"
    need_latex
    [ -s "it's & <here>/report.pdf" ]
}

@test "the appendix is a PDF with pages" {
    need_latex
    kept_results
    repro report figure1 figure5 --out kept --backend openblas
    [ "$status" -eq 0 ]
    [[ $output == *"appendix: kept/report.pdf"* ]]
    [ "$(head -c 5 kept/report.pdf)" = "%PDF-" ]
    [ ! -e kept/report-tex ]
    if command -v pdfinfo >/dev/null; then
        [ "$(pdfinfo kept/report.pdf | sed -n 's/^Pages: *//p')" -ge 3 ]
    fi
}

@test "--tex leaves an appendix that another document takes in" {
    kept_results
    repro report figure5 --out kept --backend openblas --tex
    [ "$status" -eq 0 ]
    [[ $output == *"LaTeX: kept/report-tex/appendix.tex"* ]]
    [ "$(ls kept/report-tex/figures/*.pdf | wc -l)" -eq 4 ]
    grep -q "eprint = {1711.00489}" kept/report-tex/repro.bib
    need_latex
    cat > paper.tex <<'TEX'
\documentclass{article}
\usepackage[utf8]{inputenc} \usepackage[T1]{fontenc} \usepackage{textcomp}
\usepackage{amssymb,array,booktabs,graphicx,longtable,xcolor}
\newcommand{\reprofigures}{kept/report-tex/figures}
\begin{document}\appendix\input{kept/report-tex/appendix}\end{document}
TEX
    pdflatex -interaction=nonstopmode -halt-on-error paper.tex >/dev/null </dev/null
    [ -s paper.pdf ]
}

@test "without LaTeX: the page, the sources, and the packages by name" {
    kept_results
    only_gnuplot
    repro report figure1 --out kept
    PATH=$REPRO_TEST_PATH
    [ "$status" -eq 0 ]
    [[ $output == *"no PDF: pdflatex is not on the PATH; install the packages"* ]]
    [[ $output == *"texlive-latex-recommended"* ]]
    [ -s kept/report.html ]
    [ -s kept/report-tex/report.tex ]
    [ ! -e kept/report.pdf ]
}

@test "LaTeX without a package that it wants is missing, not broken" {
    kept_results
    only_gnuplot
    printf '#!/bin/sh\n%s\nexit 1\n' \
        "echo \"./report.tex:5: LaTeX Error: File \\\`booktabs.sty' not found.\"" > bin/pdflatex
    PATH=$REPRO_TEST_PATH chmod +x bin/pdflatex
    repro report figure1 --out kept
    PATH=$REPRO_TEST_PATH
    [ "$status" -eq 0 ]
    [[ $output == *"report.tex:5: LaTeX Error: File \`booktabs.sty' not found; install"* ]]
    [[ $output == *"install the packages texlive-latex-recommended"* ]]
}

@test "LaTeX that fails is an error with its complaint, and the page stands" {
    kept_results
    only_gnuplot
    printf '#!/bin/sh\necho "! Undefined control sequence."\nexit 1\n' > bin/pdflatex
    PATH=$REPRO_TEST_PATH chmod +x bin/pdflatex
    repro report figure1 --out kept
    PATH=$REPRO_TEST_PATH
    [ "$status" -eq 1 ]
    error_says "pdflatex cannot typeset" "Undefined control sequence"
    [ -s kept/report.html ]
    [ -s kept/report-tex/appendix.tex ]
}

@test "without gnuplot: cannot run, and the package by name" {
    mkdir bin empty
    old=$PATH PATH=$PWD/bin
    repro report figure1 --out empty
    PATH=$old
    [ "$status" -eq 77 ]
    error_says "gnuplot-nox"
    [ -z "$(ls -A empty)" ]
}

@test "slips end in a sentence, and nothing is written" {
    mkdir empty
    repro report figur5 --out empty
    [ "$status" -eq 2 ]
    error_says "figur5" "figure5"
    repro report --out empty --profile smal
    [ "$status" -eq 2 ]
    error_says "smal" "small"
    repro report --out empty --set 12345678
    [ "$status" -eq 2 ]
    error_says "none of the results under 'empty' fits the options"
    repro report --out empty --precision f16
    [ "$status" -eq 2 ]
    [ -z "$(ls -A empty)" ]
}

@test "a run folder that cannot be read is passed over aloud" {
    kept_results
    echo '{' > "$(run_folder increased-momentum-coefficient)/manifest.json"
    repro report figure1 --out kept
    [ "$status" -eq 0 ]
    [[ $output == *"passed over: "* ]]
}
