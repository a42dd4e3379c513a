use super::*;
use crate::policy::{Role, Scope};

/// Every set of these.
fn sets<T: Copy, S: FromIterator<T>>(all: &[T]) -> Vec<S> {
    let of = |bits: usize| {
        let members = all.iter().enumerate();
        members
            .filter(|(place, _)| bits & (1 << place) != 0)
            .map(|(_, member)| *member)
            .collect()
    };
    (0..1 << all.len()).map(of).collect()
}

fn question(action: Action, method: &'static str, route: &'static str) -> Question<'static> {
    Question {
        action,
        method,
        route,
    }
}

/// What policies of a text decide by, and the file they are in.
fn opened(text: &str) -> Result<Policies, String> {
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    std::fs::write(file.path(), text).expect("it can be written");
    let from = PoliciesFrom::File(file.path().to_owned());
    Policies::open(PolicyKind::Cedar, &from).map_err(|error| {
        let path = file.path().display().to_string();
        error.to_string().replace(&path, "FILE")
    })
}

#[test]
fn the_built_in_policies_decide_as_roles_and_scopes_do() {
    let cedar = Policies::open(PolicyKind::Cedar, &PoliciesFrom::BuiltIn).unwrap();
    let mut asked = 0;
    for roles in sets::<_, Roles>(Role::ALL) {
        for scopes in sets::<_, Scopes>(Scope::ALL) {
            for action in Action::ALL {
                for name in ["john", "", "client:demo", "a\"b\\\n\u{1f600}"] {
                    let question = question(*action, "GET", "/items");
                    let decided = cedar.allow(question, roles, scopes, || name);
                    let expected = action.is_allowed(roles, scopes);
                    assert_eq!(decided, expected, "{action} {roles:?} {scopes} {name}");
                    asked += 1;
                }
            }
        }
    }
    assert_eq!(asked, 4 * 4 * 6 * 4);
}

#[test]
fn policies_decide_by_account_role_scope_action_route_and_method() {
    let text = r#"
permit (principal == Account::"john", action, resource == Route::"/items") when { context.method == "GET" };
permit (principal in Role::"admin", action == Action::"administer", resource)
when { context.scopes == ["items:read"] };
forbid (principal, action, resource == Route::"/reports/{p}");
"#;
    let policies = opened(text).unwrap();
    let (none, admin) = (Roles::default(), Roles::default().with(Role::Admin));
    let (no_scopes, read) = (Scopes::default(), Scopes::known("items:read"));
    let own = Action::OwnAccount;
    for (name, roles, scopes, action, method, route, expected) in [
        ("john", none, no_scopes, own, "GET", "/items", true),
        ("john", none, no_scopes, own, "HEAD", "/items", false),
        ("john", none, no_scopes, own, "GET", "/todos", false),
        ("joh", none, no_scopes, own, "GET", "/items", false),
        ("j", admin, read, Action::Administer, "PUT", "/x", true),
        ("j", none, read, Action::Administer, "PUT", "/x", false),
        (
            "j",
            admin,
            no_scopes,
            Action::Administer,
            "PUT",
            "/x",
            false,
        ),
        ("j", admin, read, Action::ItemsRead, "PUT", "/x", false),
        (
            "j",
            admin,
            read,
            Action::Administer,
            "PUT",
            "/reports/{p}",
            false,
        ),
    ] {
        let question = question(action, method, route);
        let decided = policies.allow(question, roles, scopes, || name);
        assert_eq!(decided, expected, "{name} {action} {method} {route}");
    }
}

#[test]
fn what_cannot_be_evaluated_is_refused_although_another_policy_permits_it() {
    let overflow = "when { 9223372036854775807 + 1 > 0 }";
    for (text, expected) in [
        ("permit (principal, action, resource);".to_owned(), true),
        (
            format!(
                "permit (principal, action, resource); permit (principal, action, resource) {overflow};"
            ),
            false,
        ),
        (
            format!(
                "permit (principal, action, resource); forbid (principal, action, resource) {overflow};"
            ),
            false,
        ),
        (
            format!(
                "permit (principal, action, resource); forbid (principal, action, resource == Route::\"/x\") {overflow};"
            ),
            true,
        ),
    ] {
        let question = question(Action::OwnAccount, "GET", "/items");
        let policies = opened(&text).unwrap();
        let decided = policies.allow(question, Roles::all(), Roles::all().scopes(), || "john");
        assert_eq!(decided, expected, "{text}");
    }
}

#[test]
fn wrong_policies_are_refused_in_one_line_with_file_line_and_what_is_accepted() {
    let many = "permit (principal, action, resource);\n".repeat(10_000);
    for (text, problem) in [
        ("", "there is no policy"),
        ("// nothing\n", "there is no policy"),
        (
            "permit (principal, action, resource);\npermit (",
            "line 2: ",
        ),
        ("\n\npermit (principal, action, resource)", "line 3: "),
        (
            "\npermit (principal, action == Action::\"item-read\", resource);",
            "line 2: ",
        ),
        (
            "\npermit (principal in Role::\"amin\", action, resource);",
            "line 2: ",
        ),
        (
            "\npermit (principal == User::\"john\", action, resource);",
            "line 2: ",
        ),
        (
            "\n\npermit (principal, action, resource) when { context.scope == 1 };",
            "line 3: ",
        ),
        (
            "permit (principal == ?principal, action, resource);",
            "a template",
        ),
        (&many, "there are more than"),
    ] {
        let line = opened(text).unwrap_err();
        let shown = &text[..text.len().min(80)];
        assert!(line.starts_with("policies file FILE: "), "{shown}: {line}");
        assert!(line.contains(problem), "{shown}: {line}");
        assert!(!line.contains('\n'), "{shown}: {line}");
        for accepted in ["\"items-read\"", "\"admin\"", "context.method"] {
            assert!(line.contains(accepted), "{shown}: {line}");
        }
    }
    let nowhere = PoliciesFrom::File("/nowhere/policies.cedar".into());
    let line = Policies::open(PolicyKind::Cedar, &nowhere).unwrap_err();
    assert!(
        line.to_string().contains("/nowhere/policies.cedar"),
        "{line}"
    );
}

#[test]
fn servers_share_decisions_only_where_they_decide_by_the_same_policies() {
    let permit = "permit (principal, action, resource);";
    let of = |text: &str| opened(text).unwrap().fingerprint();
    assert_eq!(of(permit), of(permit));
    assert_ne!(of(permit), of("forbid (principal, action, resource);"));
    assert_ne!(of(permit), Policies::Roles.fingerprint());
}
