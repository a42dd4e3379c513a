//! The standard's algorithms as a table: which control is sent, with which value, in which request.

use encoding_rs::Encoding;
use url::Url;

use super::{Page, field};

type Fields<'f> = &'f [(&'f str, &'f str)];

const PAGE: &str = "http://a.test/dir/page?old=1#part";

/// What a form sends: `GET target`, or `POST target`, the content type and the body, a line each.
fn sent(page: &[u8], charset: &str, fields: Fields<'_>) -> String {
    let page = Page {
        url: Url::parse(PAGE).unwrap(),
        declared: Encoding::for_label(charset.as_bytes()),
        body: page.to_vec().into(),
    };
    let fields: Vec<_> = fields
        .iter()
        .map(|(name, value)| (*name, (*value).to_owned()))
        .collect();
    let submission = match page.submission(&fields, || "BOUNDARY".to_owned()) {
        Ok(submission) => submission,
        Err(reason) => return reason,
    };
    let target = crate::user::request::path_and_query(&submission.url);
    match submission.post {
        None => format!("GET {target}"),
        Some((content_type, body)) => {
            format!("POST {target}\n{content_type}\n{}", body.escape_ascii())
        }
    }
}

/// The query of a form with these contents, untouched.
fn query(contents: &str) -> String {
    query_with(contents, &[])
}

fn query_with(contents: &str, fields: Fields<'_>) -> String {
    let page = format!("<!doctype html><form>{contents}</form>");
    let sent = sent(page.as_bytes(), "utf-8", fields);
    sent.strip_prefix("GET /dir/page?")
        .unwrap_or(&sent)
        .to_owned()
}

/// The contents of a form, and what it sends untouched.
const ENTRY_LISTS: &[(&str, &str)] = &[
    // Which controls have an entry.
    (
        "<input name=a value=1><input value=2><input name='' value=3>",
        "a=1",
    ),
    ("<input name=a><input name=a value=2>", "a=&a=2"),
    ("<INPUT NAME=A VALUE=1>", "A=1"),
    ("<input name=a value=1 name=b>", "a=1"),
    (
        "<input name=a disabled value=1><input name=b readonly value=2>",
        "b=2",
    ),
    (
        "<input name=a required><input name=b hidden value=1>",
        "a=&b=1",
    ),
    (
        "<output name=a>1</output><meter name=b value=1></meter><object name=c></object>",
        "",
    ),
    (
        "<datalist id=l><input name=a value=1><option value=x></datalist><input name=b list=l>",
        "b=",
    ),
    (
        "<template><input name=a value=1></template><input name=b value=2>",
        "b=2",
    ),
    (
        "<noscript><input name=a value=1></noscript><input name=b value=2>",
        "b=2",
    ),
    (
        "<!-- <input name=a value=1> --><input name=b value=2>",
        "b=2",
    ),
    (
        "<svg><input name=a value=1></svg><input name=b value=2>",
        "b=2",
    ),
    ("<svg><title><input name=a value=1></title></svg>", "a=1"),
    (
        "<script>'<input name=a>'</script><style><input name=b></style><title><input name=c></title>",
        "",
    ),
    // Fieldsets.
    (
        "<fieldset disabled><input name=a value=1></fieldset><input name=b value=2>",
        "b=2",
    ),
    (
        "<fieldset disabled><legend><input name=a value=1></legend><legend><input name=b></legend></fieldset>",
        "a=1",
    ),
    (
        "<fieldset disabled><p><legend><input name=a value=1></legend></p></fieldset>",
        "",
    ),
    (
        "<fieldset disabled><p>x</p><legend><input name=a value=1></legend></fieldset>",
        "a=1",
    ),
    (
        "<fieldset disabled><legend><fieldset><input name=a value=1></fieldset></legend></fieldset>",
        "a=1",
    ),
    (
        "<fieldset disabled><legend><fieldset disabled><input name=a></fieldset></legend></fieldset>",
        "",
    ),
    (
        "<fieldset disabled><fieldset><legend><input name=a></legend></fieldset></fieldset>",
        "",
    ),
    (
        "<fieldset disabled><select name=a><option>x</select><textarea name=b></textarea></fieldset>",
        "",
    ),
    ("<fieldset name=f><input name=a value=1></fieldset>", "a=1"),
    // Checkboxes and radio buttons.
    (
        "<input type=checkbox name=a><input type=checkbox name=b checked>",
        "b=on",
    ),
    (
        "<input type=checkbox name=a checked value><input type=CheckBox name=b checked value=2>",
        "a=&b=2",
    ),
    (
        "<input type=radio name=a value=1><input type=radio name=a value=2>",
        "",
    ),
    (
        "<input type=radio name=a value=1 checked><input type=radio name=a value=2 checked>",
        "a=2",
    ),
    (
        "<input type=radio name=a value=1 checked><input type=radio name=a value=2 checked disabled>",
        "",
    ),
    (
        "<input type=radio name=a checked><input type=radio name=A checked value=2>",
        "a=on&A=2",
    ),
    (
        "<input type=radio checked value=1><input type=radio name=a checked value=2>",
        "a=2",
    ),
    // Buttons, of which none is pressed.
    (
        "<button name=a value=1>x</button><input type=submit name=b value=2><input type=image name=c>",
        "",
    ),
    (
        "<input type=reset name=a value=1><input type=button name=b value=2><button type=button name=c>",
        "",
    ),
    // Files.
    ("<input type=file name=a value=x><input name=b>", "a=&b="),
    // Text areas.
    ("<textarea name=a>\n\nb\n</textarea>", "a=%0D%0Ab%0D%0A"),
    (
        "<textarea name=a>\r\nb\rc\r\nd</textarea>",
        "a=b%0D%0Ac%0D%0Ad",
    ),
    (
        "<textarea name=a>b&#13;c&#10;d&lt;</textarea>",
        "a=b%0D%0Ac%0D%0Ad%3C",
    ),
    (
        "<textarea name=a><b>x</b><!-- y --></textarea>",
        "a=%3Cb%3Ex%3C%2Fb%3E%3C%21--+y+--%3E",
    ),
    (
        "<textarea name=a value=1></textarea><textarea>x</textarea>",
        "a=",
    ),
    // Selectedness.
    (
        "<select name=c><option disabled value=''>Choose<option value=de>Germany<option>fr</select>",
        "c=de",
    ),
    (
        "<select name=c><option value=1>a<option value=2>b</select>",
        "c=1",
    ),
    (
        "<select name=c><option value=1>a<option value=2 selected>b</select>",
        "c=2",
    ),
    (
        "<select name=c><option value=1 selected>a<option value=2 selected>b</select>",
        "c=2",
    ),
    (
        "<select name=c><option value='' selected disabled>Choose<option value=1>a</select>",
        "",
    ),
    (
        "<select name=c><option disabled>a<option disabled>b</select>",
        "",
    ),
    ("<select name=c></select>", ""),
    ("<select name=c disabled><option>a</select>", ""),
    ("<select><option>a</select>", ""),
    ("<select name=c size=1><option>a</select>", "c=a"),
    ("<select name=c size=2><option>a<option>b</select>", ""),
    (
        "<select name=c size=2><option>a<option selected>b</select>",
        "c=b",
    ),
    ("<select name=c size=x><option>a</select>", "c=a"),
    ("<select name=c size=0><option>a</select>", "c=a"),
    ("<select name=c size=' 1.5'><option>a</select>", "c=a"),
    ("<select name=c multiple><option>a<option>b</select>", ""),
    (
        "<select name=c multiple><option selected>a<option>b<option selected>d<option selected disabled>e</select>",
        "c=a&c=d",
    ),
    (
        "<select name=c multiple size=1><option>a<option>b</select>",
        "",
    ),
    (
        "<select name=c><optgroup disabled><option>a</optgroup><optgroup><option>b</optgroup></select>",
        "c=b",
    ),
    (
        "<select name=c><optgroup disabled><option selected>a</optgroup><option>b</select>",
        "",
    ),
    (
        "<select name=c><optgroup label=x><option>a<optgroup disabled><option>b</select>",
        "c=a",
    ),
    (
        "<select name=c><option>  two \n words\t</option></select>",
        "c=two+words",
    ),
    ("<select name=c><option value>text</select>", "c="),
    ("<select name=c><option label=l>text</select>", "c=text"),
    (
        "<select name=c><option>a <b>b</b><script>x</script></select>",
        "c=a+b",
    ),
    (
        "<select name=c><option>&amp;&eacute;</select>",
        "c=%26%C3%A9",
    ),
    ("<select name=c><option>a</select><option>b</option>", "c=a"),
    // What the type of an input makes of its value.
    (
        "<input name=a value='x\ny\rz'><input name=b type=hidden value='x\ny'>",
        "a=xyz&b=x%0D%0Ay",
    ),
    (
        "<input name=a type=nonsense value=1><input name=b type value=2>",
        "a=1&b=2",
    ),
    (
        "<input name=a type=email value=' a@b '><input name=b type=url value=' u '>",
        "a=a%40b&b=u",
    ),
    (
        "<input name=a type=email multiple value=' a@b , c@d '>",
        "a=a%40b%2Cc%40d",
    ),
    (
        "<input name=a type=search value=' x '><input name=b type=password value=' y '>",
        "a=+x+&b=+y+",
    ),
    (
        "<input name=a type=number value=1e3><input name=b type=number value=1x>",
        "a=1e3&b=",
    ),
    (
        "<input name=a type=number value=+1><input name=b type=number value=.5>",
        "a=&b=.5",
    ),
    (
        "<input name=a type=number value=1.><input name=b type=number value=1e999>",
        "a=&b=",
    ),
    (
        "<input name=a type=range><input name=b type=range value=200>",
        "a=50&b=100",
    ),
    (
        "<input name=a type=range min=10 max=20 step=4 value=15.9>",
        "a=14",
    ),
    (
        "<input name=a type=range min=10 max=0><input name=b type=range step=any value=.5>",
        "a=10&b=.5",
    ),
    (
        "<input name=a type=color><input name=b type=color value=#ABCDEF>",
        "a=%23000000&b=%23abcdef",
    ),
    (
        "<input name=a type=date value=2024-02-29><input name=b type=date value=2023-02-29>",
        "a=2024-02-29&b=",
    ),
    (
        "<input name=a type=month value=2024-12><input name=b type=month value=2024-13>",
        "a=2024-12&b=",
    ),
    (
        "<input name=a type=week value=2020-W53><input name=b type=week value=2021-W53>",
        "a=2020-W53&b=",
    ),
    (
        "<input name=a type=time value=23:59><input name=b type=time value=24:00>",
        "a=23%3A59&b=",
    ),
    (
        "<input name=a type=datetime-local value='2024-02-29 10:00:00.000'><input name=b type=datetime-local value=x>",
        "a=2024-02-29T10%3A00&b=",
    ),
    // `_charset_` and `dirname`.
    (
        "<input type=hidden name=_charset_ value=x><input name=_charset_ value=y>",
        "_charset_=UTF-8&_charset_=y",
    ),
    ("<input type=hidden name=_CharSet_>", "_CharSet_=UTF-8"),
    (
        "<input name=a dirname=d><input name=b dirname>",
        "a=&d=ltr&b=",
    ),
    (
        "<input name=a dirname=d dir=rtl><input name=b dir=LTR dirname=e>",
        "a=&d=rtl&b=&e=ltr",
    ),
    (
        "<div dir=rtl><input name=a dirname=d><textarea name=b dirname=e></textarea></div>",
        "a=&d=rtl&b=&e=rtl",
    ),
    (
        "<input name=a dirname=d dir=auto value=&#x5d0;><input name=b dirname=e dir=auto value=1>",
        "a=%D7%90&d=rtl&b=1&e=ltr",
    ),
    (
        "<div dir=rtl><input name=a type=tel dirname=d><input name=b type=number dirname=e></div>",
        "a=&d=ltr&b=",
    ),
    (
        "<div dir=auto>1 &#x627;<input name=a dirname=d></div>",
        "a=&d=rtl",
    ),
    // The percent-encode set of application/x-www-form-urlencoded.
    (
        "<input name=a value=' !\"#$%&amp;&apos;()*+,-./:;<=>?@[\\]^_`{|}~é'>",
        "a=+%21%22%23%24%25%26%27%28%29*%2B%2C-.%2F%3A%3B%3C%3D%3E%3F%40%5B%5C%5D%5E_%60%7B%7C%7D%7E%C3%A9",
    ),
    ("<input name='a b&#10;c' value=1>", "a+b%0D%0Ac=1"),
    ("<input name=a value=&#0;&#xd800;>", "a=%EF%BF%BD%EF%BF%BD"),
];

#[test]
fn the_entry_list_is_constructed_as_the_standard_says() {
    for (contents, expected) in ENTRY_LISTS {
        assert_eq!(query(contents), *expected, "{contents}");
    }
}

#[test]
fn a_control_belongs_to_the_form_that_the_tree_gives_it() {
    // What the first form of the page sends.
    let cases: &[(&str, &str)] = &[
        (
            "<form id=f><input name=a></form><input name=b form=f><input name=c>",
            "a=&b=",
        ),
        (
            "<input name=b form=f><form id=f><input name=a></form>",
            "b=&a=",
        ),
        (
            "<form id=f><input name=a form=g><input name=b></form><form id=g></form>",
            "b=",
        ),
        (
            "<form><input name=a form=''><input name=b form=none><input name=c></form>",
            "c=",
        ),
        (
            "<form><p id=p></p><input name=a form=p><input name=b></form>",
            "b=",
        ),
        ("<p id=f></p><form id=f></form><input name=a form=f>", ""),
        (
            "<form id=f></form><form id=f></form><input name=a form=f>",
            "a=",
        ),
        // Nested, misnested and unclosed elements.
        (
            "<form><input name=a><form action=/no><input name=b></form><input name=c>",
            "a=&b=",
        ),
        ("<form><div></form><input name=a></div><input name=b>", "a="),
        (
            "<form><input name=a><p>unclosed<div><input name=b>",
            "a=&b=",
        ),
        (
            "<form><fieldset disabled></form><input name=a></fieldset>",
            "",
        ),
        (
            "<form><div><fieldset disabled></div><input name=a></form>",
            "a=",
        ),
        (
            "<form><span><fieldset disabled></span><input name=a></form>",
            "",
        ),
        (
            "<table><form><tr><td><input name=a></td></tr></form></table><input name=b>",
            "a=",
        ),
        (
            "<table><tr><form><td><input name=a></td></tr><tr><td><input name=b></table>",
            "a=&b=",
        ),
        (
            "<form><table><tr><td><input name=a></td></tr><input name=b></table></form>",
            "b=&a=",
        ),
        (
            "<form><table><input type=hidden name=a><tr><td><input name=b></table></form>",
            "a=&b=",
        ),
        (
            "<form><b><p><input name=a></b><input name=b></p></form>",
            "a=&b=",
        ),
        (
            "<form><select name=a><option value=1><input name=b value=2></form>",
            "a=1&b=2",
        ),
        (
            "<form><select name=a><option value=1><select name=b></form>",
            "a=1",
        ),
        (
            "<form><textarea name=a></form><input name=b>",
            "a=%3C%2Fform%3E%3Cinput+name%3Db%3E",
        ),
        (
            "<form><button><button name=x></button><input name=a></form>",
            "a=",
        ),
        (
            "<form><input name=a value=1/><input/name=b/value=2></form>",
            "a=1%2F&b%2Fvalue%3D2=",
        ),
        (
            "<form><input name=a value=a&lt;b&notit;&amp></form>",
            "a=a%3Cb%26notit%3B%26",
        ),
        (
            "<template><form><input name=a></form></template><form><input name=b></form>",
            "b=",
        ),
    ];
    for (page, expected) in cases {
        let sent = sent(page.as_bytes(), "utf-8", &[]);
        assert_eq!(sent, format!("GET /dir/page?{expected}"), "{page}");
    }
}

/// The contents of a form, the fields of a step, and what is sent.
const FILLED: &[(&str, Fields<'_>, &str)] = &[
    (
        "<input name=a value=1><input name=b>",
        &[("b", "x\ny")],
        "a=1&b=x%0D%0Ay",
    ),
    ("<input name=a><input name=a>", &[("a", "x")], "a=x&a="),
    ("<input type=number name=a>", &[("a", "many")], "a=many"),
    ("<textarea name=a>old</textarea>", &[("a", "new")], "a=new"),
    ("<input name=a>", &[("b", "1"), ("c", "2")], "a=&b=1&c=2"),
    (
        "<input name=a disabled><input name=b>",
        &[("a", "1")],
        "b=&a=1",
    ),
    (
        "<input type=hidden name=_charset_>",
        &[("_charset_", "x")],
        "_charset_=x",
    ),
    // A checkbox is checked, an option and a radio button chosen, where they stand.
    (
        "<input type=checkbox name=a><input name=b>",
        &[("a", "on")],
        "a=on&b=",
    ),
    (
        "<input type=checkbox name=a value=1><input type=checkbox name=a value=2>",
        &[("a", "2")],
        "a=2",
    ),
    (
        "<input type=hidden name=a value=0><input type=checkbox name=a value=1>",
        &[("a", "1")],
        "a=0&a=1",
    ),
    (
        "<input type=checkbox name=a value=1><input name=b>",
        &[("a", "x")],
        "a=x&b=",
    ),
    (
        "<input type=radio name=a value=1 checked><input name=b><input type=radio name=a value=2>",
        &[("a", "2")],
        "b=&a=2",
    ),
    (
        "<input type=radio name=a value=1 checked>",
        &[("a", "x")],
        "a=x",
    ),
    (
        "<select name=a><option>x<option>y</select><input name=b>",
        &[("a", "y")],
        "a=y&b=",
    ),
    (
        "<select name=a><option>x</select><input name=b>",
        &[("a", "new")],
        "a=new&b=",
    ),
    (
        "<select name=a multiple><option selected>x<option>y</select>",
        &[("a", "y")],
        "a=y",
    ),
    (
        "<input name=a dirname=d dir=auto>",
        &[("a", "א")],
        "a=%D7%90&d=rtl",
    ),
    // A field that names a button presses it.
    (
        "<button name=a value=1>x</button><button name=a value=2>y</button>",
        &[("a", "2")],
        "a=2",
    ),
    (
        "<input name=b><input type=submit name=a value=Go>",
        &[("a", "Go")],
        "b=&a=Go",
    ),
    (
        "<input type=submit name=a value=1><input type=hidden name=a>",
        &[("a", "x")],
        "a=x",
    ),
    (
        "<input type=submit name=a value=1><input name=b>",
        &[("a", "other")],
        "a=other&b=",
    ),
    (
        "<input type=submit name=a value=1 disabled><input name=b>",
        &[("a", "1")],
        "b=&a=1",
    ),
    (
        "<input name=b><input type=image name=a value=v>",
        &[("a.x", "3"), ("a.y", "4")],
        "b=&a.x=3&a.y=4",
    ),
    (
        "<input type=image><input name=b>",
        &[("y", "4")],
        "x=0&y=4&b=",
    ),
    (
        "<input type=image name=a><input name=a.x>",
        &[("a.x", "3")],
        "a.x=3",
    ),
    (
        "<input type=file name=a>",
        &[("a", "x")],
        "field `a` of the page's form takes a file, and files are not sent",
    ),
    (
        "<button name=a value=1 formmethod=dialog>",
        &[("a", "1")],
        "the page's form has the method `dialog`, which sends no request",
    ),
    (
        "<button name=a value=1 formaction=//b.test>",
        &[("a", "1")],
        "the page's form goes to another server",
    ),
];

#[test]
fn a_steps_fields_do_what_a_person_does_with_the_controls() {
    for (contents, fields, expected) in FILLED {
        assert_eq!(
            query_with(contents, fields),
            *expected,
            "{contents} {fields:?}"
        );
    }
    let button = "<form method=post action=/a enctype=text/plain><input name=i value=1>\
        <button name=b value=v formaction=/b formmethod=get formenctype=multipart/form-data>";
    let pressed = sent(button.as_bytes(), "utf-8", &[("b", "v")]);
    assert_eq!(pressed, "GET /b?i=1&b=v");
    assert_eq!(
        sent(button.as_bytes(), "utf-8", &[]),
        "POST /a\ntext/plain\ni=1\\r\\n"
    );
}

#[test]
fn the_form_that_has_every_field_is_sent_or_else_the_first() {
    let page = "<form action=/search><input name=q></form>\
        <form action=/off><input name=user><input name=pass disabled></form>\
        <form action=/login><input name=user><input name=pass><input type=checkbox name=keep><button name=go value=1></button></form>\
        <input name=stray>";
    let cases: &[(&[(&str, &str)], &str)] = &[
        (&[], "GET /search?q="),
        (&[("user", "u"), ("pass", "p")], "GET /login?user=u&pass=p"),
        (&[("keep", "on")], "GET /login?user=&pass=&keep=on"),
        (&[("go", "1")], "GET /login?user=&pass=&go=1"),
        (&[("stray", "s")], "GET /search?q=&stray=s"),
    ];
    for (fields, expected) in cases {
        assert_eq!(
            sent(page.as_bytes(), "utf-8", fields),
            *expected,
            "{fields:?}"
        );
    }
    for without in ["", "{}", "<input name=a>", "<!-- <form> -->"] {
        let sent = sent(without.as_bytes(), "utf-8", &[]);
        assert_eq!(sent, super::NO_FORM, "{without}");
    }
}

/// A page, and what its first form sends untouched.
const SUBMISSIONS: &[(&str, &str)] = &[
    // Method and encoding: an unknown keyword is the default one.
    ("<form><input name=a>", "GET /dir/page?a="),
    ("<form method=put><input name=a>", "GET /dir/page?a="),
    (
        "<form method=POST><input name=a>",
        "POST /dir/page?old=1\napplication/x-www-form-urlencoded\na=",
    ),
    (
        "<form method=post enctype=x><input name=a>",
        "POST /dir/page?old=1\napplication/x-www-form-urlencoded\na=",
    ),
    (
        "<form method=post action=/x></form>",
        "POST /x\napplication/x-www-form-urlencoded\n",
    ),
    (
        "<form method=dialog>",
        "the page's form has the method `dialog`, which sends no request",
    ),
    (
        "<form enctype=multipart/form-data action=/x><input name=a>",
        "GET /x?a=",
    ),
    (
        "<form enctype=text/plain action=/x><input name=a>",
        "GET /x?a=",
    ),
    ("<form action=/x></form>", "GET /x?"),
    // The action.
    ("<form action=''><input name=a>", "GET /dir/page?a="),
    ("<form action=' '><input name=a>", "GET /dir/page?a="),
    ("<form action=other><input name=a>", "GET /dir/other?a="),
    ("<form action=' other '><input name=a>", "GET /dir/other?a="),
    ("<form action=../up?q=1#frag><input name=a>", "GET /up?a="),
    (
        "<form method=post action=../up?q=1#frag><input name=a>",
        "POST /up?q=1\napplication/x-www-form-urlencoded\na=",
    ),
    ("<form action='?x=1'><input name=a>", "GET /dir/page?a="),
    ("<form action=//a.test:80/y><input name=a>", "GET /y?a="),
    (
        "<form method=post action='/a b?c d&amp;e'>",
        "POST /a%20b?c%20d&e\napplication/x-www-form-urlencoded\n",
    ),
    (
        "<form action=http://b.test/><input name=a>",
        "the page's form goes to another server",
    ),
    (
        "<form action=https://a.test/><input name=a>",
        "the page's form goes to another server",
    ),
    (
        "<form action=javascript:void(0)>",
        "the page's form goes to another server",
    ),
    (
        "<form action=mailto:a@b>",
        "the page's form goes to another server",
    ),
    (
        "<form action=http://[>",
        "the page's form goes to no address",
    ),
    // The base: the first with an address, for every action but an empty one.
    (
        "<base href=/b/><form action=x><input name=a>",
        "GET /b/x?a=",
    ),
    ("<base href=/b/><form><input name=a>", "GET /dir/page?a="),
    (
        "<base target=_top><base href=b/><base href=/c/><form action=x>",
        "GET /dir/b/x?",
    ),
    ("<form action=x></form><base href=/b/>", "GET /b/x?"),
    ("<base href=data:,x><form action=x>", "GET /dir/x?"),
    ("<base href=http://[><form action=x>", "GET /dir/x?"),
    (
        "<base href=http://b.test/><form action=x>",
        "the page's form goes to another server",
    ),
    (
        "<template><base href=/b/></template><form action=x>",
        "GET /dir/x?",
    ),
    // multipart/form-data and text/plain.
    (
        "<form method=post enctype=multipart/form-data action=/x><input name='a\"&#10;b' value='x\ny'>\
             <input type=file name=f><textarea name=t>1\n2</textarea>",
        "POST /x\nmultipart/form-data; boundary=BOUNDARY\n\
             --BOUNDARY\\r\\nContent-Disposition: form-data; name=\\\"a%22%0D%0Ab\\\"\\r\\n\\r\\nxy\\r\\n\
             --BOUNDARY\\r\\nContent-Disposition: form-data; name=\\\"f\\\"; filename=\\\"\\\"\\r\\n\
             Content-Type: application/octet-stream\\r\\n\\r\\n\\r\\n\
             --BOUNDARY\\r\\nContent-Disposition: form-data; name=\\\"t\\\"\\r\\n\\r\\n1\\r\\n2\\r\\n\
             --BOUNDARY--\\r\\n",
    ),
    (
        "<form method=post enctype=multipart/form-data action=/x>",
        "POST /x\nmultipart/form-data; boundary=BOUNDARY\n--BOUNDARY--\\r\\n",
    ),
    (
        "<form method=post enctype=Text/Plain action=/x><input name=a value='1&2'><textarea name=b>x\ny</textarea>",
        "POST /x\ntext/plain\na=1&2\\r\\nb=x\\r\\ny\\r\\n",
    ),
];

#[test]
fn a_form_is_submitted_as_the_standard_says() {
    for (page, expected) in SUBMISSIONS {
        assert_eq!(sent(page.as_bytes(), "utf-8", &[]), *expected, "{page}");
    }
}

#[test]
fn a_form_is_sent_in_its_pages_encoding() {
    let form = b"<form><input name=a value=\xe9&#x20ac;&#x416;>";
    let cases: &[(&str, &[u8], &str)] = &[
        ("windows-1252", form, "a=%E9%80%26%231046%3B"),
        ("iso-8859-1", form, "a=%E9%80%26%231046%3B"),
        ("", form, "a=%E9%80%26%231046%3B"),
        ("koi8-r", form, "a=%E9%26%238364%3B%F6"),
        ("utf-8", form, "a=%EF%BF%BD%E2%82%AC%D0%96"),
        (
            "shift_jis",
            b"<form><input name=a value=\x83A><input type=hidden name=_charset_>",
            "a=%83A&_charset_=Shift_JIS",
        ),
        (
            "utf-16le",
            b"<\0f\0o\0r\0m\0>\0<\0i\0n\0p\0u\0t\0 \0n\0a\0m\0e\0=\0\xe9\0>\0",
            "%C3%A9=",
        ),
        (
            "windows-1252",
            b"<form accept-charset=utf-8><input name=a value=\xe9>",
            "a=%C3%A9",
        ),
        (
            "utf-8",
            b"<form accept-charset='nonsense latin1 utf-8'><input name=a value=&eacute;>",
            "a=%E9",
        ),
        (
            "windows-1252",
            b"<form accept-charset=nonsense><input name=a value=\xe9>",
            "a=%C3%A9",
        ),
        (
            "windows-1252",
            b"<form accept-charset=utf-16><input name=a value=\xe9>",
            "a=%C3%A9",
        ),
        (
            "",
            b"<meta charset=koi8-r><form><input name=a value=\xe9>",
            "a=%E9",
        ),
        (
            "utf-8",
            b"<meta charset=koi8-r><form><input name=a value=&eacute;>",
            "a=%C3%A9",
        ),
    ];
    for (charset, page, expected) in cases {
        let sent = sent(page, charset, &[]);
        let shown = page.escape_ascii();
        assert_eq!(
            sent,
            format!("GET /dir/page?{expected}"),
            "{charset} {shown}"
        );
    }
    let multipart = b"<form method=post enctype=multipart/form-data action='/x?\xe9'><input name=\xe9 value=&#x416;>";
    assert_eq!(
        sent(multipart, "windows-1252", &[]),
        "POST /x?%E9\nmultipart/form-data; boundary=BOUNDARY\n\
         --BOUNDARY\\r\\nContent-Disposition: form-data; name=\\\"\\xe9\\\"\\r\\n\\r\\n&#1046;\\r\\n--BOUNDARY--\\r\\n"
    );
    assert_eq!(
        sent(form, "windows-1252", &[("b", "é")]),
        "GET /dir/page?a=%E9%80%26%231046%3B&b=%E9"
    );
}

#[test]
fn a_field_is_found_in_any_form_and_outside_of_them() {
    let page = "<form><input name=a value=1></form><input name=stray value=s>\
        <form><input name=csrf value='a&quot;b&#43;c'><input name=off disabled value=x></form>";
    let mut headers = http::HeaderMap::new();
    let found = |headers: &http::HeaderMap, page: &[u8], name| field(headers, page, name).unwrap();
    for (name, value) in [
        ("csrf", Some("a\"b+c")),
        ("stray", Some("s")),
        ("off", None),
        ("none", None),
    ] {
        assert_eq!(
            found(&headers, page.as_bytes(), name).as_deref(),
            value,
            "{name}"
        );
    }
    let page = b"<input name=a value=\xc3\xa9>";
    let value = http::HeaderValue::from_static("text/html; charset=utf-8");
    assert_eq!(found(&headers, page, "a").as_deref(), Some("Ã©"));
    headers.insert(http::header::CONTENT_TYPE, value);
    assert_eq!(found(&headers, page, "a").as_deref(), Some("é"));
}

#[test]
fn a_page_that_no_browser_would_nest_is_refused() {
    let deep = format!("<form>{}<input name=a>", "<div>".repeat(600));
    let refused = sent(deep.as_bytes(), "utf-8", &[]);
    assert!(refused.contains("nests them too deeply"), "{refused}");
    // Each paragraph opens the formatting elements again.
    let bold: Vec<String> = (0..500).map(|number| format!("<b id={number}>")).collect();
    let copies = format!("<p>{}</p>{}", bold.concat(), "<p>x</p>".repeat(1000));
    let refused = sent(copies.as_bytes(), "utf-8", &[]);
    assert!(refused.contains("too many elements"), "{refused}");
}

proptest::proptest! {
    #[test]
    fn no_page_panics(page in "(<(/?(form|input|select|option|optgroup|table|tr|td|fieldset|legend|textarea|template|b|p|svg|title|button|base|meta)( (name|value|form|id|type|disabled|selected|href|charset|size)=?[a-z0-9\"' ]{0,4}){0,3}>)?|[a-z&;#\r\n]{0,3}|é){0,30}") {
        let _ = sent(page.as_bytes(), "utf-8", &[("a", "b")]);
        let _ = sent(page.as_bytes(), "", &[]);
    }

    #[test]
    fn what_a_text_area_holds_is_sent_with_cr_lf(text in "[a-z\r\n &<é]{0,40}") {
        let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('\r', "&#13;");
        let sent = query(&format!("<textarea name=t>\n{escaped}</textarea>"));
        let decoded: Vec<_> = url::form_urlencoded::parse(sent.as_bytes()).collect();
        let lines = text.replace("\r\n", "\n").replace('\r', "\n").replace('\n', "\r\n");
        proptest::prop_assert_eq!(&decoded[0].1, &lines);
    }
}
