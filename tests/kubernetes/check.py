"""Checks manifests offline: check.py [--unbuilt] FOLDER VERSION...

Every file is valid by the schemas of each version, strictly. What a kustomization names is there: resources, components,
files, and what its patches change. Pods run as those of `restricted` do (Pod Security Standards), and hold no password.
Where kubectl is installed, each kustomization is also built, and what comes out is checked the same way; not with
--unbuilt.
Prints what is wrong, a line each, and what was checked last.
"""

import pathlib
import re
import shutil
import subprocess
import sys

import kubernetes_validate
import yaml

# Whose kinds are not Kubernetes' own.
FOREIGN = ("monitoring.coreos.com/", "kustomize.config.k8s.io/")
wrong = []


def documents(text):
    return [document for document in yaml.safe_load_all(text) if document]


def name_of(document):
    return document["kind"], document["metadata"]["name"]


def check_schema(document, at, versions):
    if document["apiVersion"].startswith(FOREIGN):
        return
    for version in versions:
        try:
            kubernetes_validate.validate(document, version, strict=True)
        except Exception as error:  # Whatever it is, it is not valid.
            wrong.append(f"{at}: {name_of(document)}, Kubernetes {version}: {error}")


def pod_of(document):
    if document["kind"] == "Pod":
        return document["spec"]
    return document.get("spec", {}).get("template", {}).get("spec")


def check_pod(document, at):
    """As a cluster that enforces `restricted` admits it, and a little more."""
    pod = pod_of(document)
    if pod is None:
        return
    security = pod.get("securityContext", {})
    wanted = {
        "automountServiceAccountToken is false": pod.get("automountServiceAccountToken") is False,
        "runAsNonRoot": security.get("runAsNonRoot") is True,
        "runAsUser is not root": security.get("runAsUser", 0) > 0,
        "seccompProfile is RuntimeDefault": security.get("seccompProfile", {}).get("type") == "RuntimeDefault",
    }
    for container in pod["containers"]:
        own = container.get("securityContext", {})
        limits = container.get("resources", {}).get("limits", {})
        wanted |= {
            "readOnlyRootFilesystem": own.get("readOnlyRootFilesystem") is True,
            "allowPrivilegeEscalation is false": own.get("allowPrivilegeEscalation") is False,
            "all capabilities are dropped": own.get("capabilities", {}).get("drop") == ["ALL"],
            "limits of CPU and memory": {"cpu", "memory"} <= limits.keys(),
        }
        mounted = {mount["name"] for mount in container.get("volumeMounts", [])}
        there = {volume["name"] for volume in pod.get("volumes", [])}
        wanted["each mounted volume is there"] = mounted <= there
        if document["kind"] == "Deployment":
            wanted["probes"] = {"readinessProbe", "livenessProbe"} <= container.keys()
    wrong.extend(f"{at}: {name_of(document)}: not so: {what}" for what, holds in wanted.items() if not holds)


def check_selectors(all_documents, at):
    """Each Service, PodDisruptionBudget and NetworkPolicy selects pods, and a Service those of one Deployment."""
    labels = {
        name_of(document): document["spec"]["template"]["metadata"]["labels"]
        for document in all_documents
        if "template" in document.get("spec", {})
    }
    for document in all_documents:
        spec = document.get("spec", {})
        selector = {
            "Service": spec.get("selector"),
            "PodDisruptionBudget": spec.get("selector", {}).get("matchLabels"),
            "NetworkPolicy": spec.get("podSelector", {}).get("matchLabels"),
        }.get(document["kind"])
        if selector is None:
            continue
        wanted = selector.items()
        found = [name for name, those in labels.items() if wanted <= those.items()]
        if len(found) != 1:
            wrong.append(f"{at}: {name_of(document)} selects the pods of {found}")


def check_secrets(path):
    text = path.read_text()
    if re.search(r"://[^\s/@]*:[^\s/@]*@", text) or "stringData" in text:
        wrong.append(f"{path}: a password in clear text")


def collect(folder):
    """What a kustomization is made of, by name. Also checks that it is all there."""
    at = folder / "kustomization.yaml"
    if not at.is_file():
        wrong.append(f"{at}: is named and not there")
        return {}
    kustomization = documents(at.read_text())[0]
    found = {}
    for resource in kustomization.get("resources", []):
        path = folder / resource
        if path.is_file():
            found |= {name_of(document): document for document in documents(path.read_text())}
        else:
            found |= collect(path.resolve())
    for generator in kustomization.get("configMapGenerator", []):
        found["ConfigMap", generator["name"]] = None
        for file in generator.get("files", []):
            if not (folder / file.split("=")[-1]).is_file():
                wrong.append(f"{at}: no file {file}")
    for component in kustomization.get("components", []):
        path = (folder / component).resolve()
        found |= collect(path)
    is_component = kustomization["kind"] == "Component"
    for patch in kustomization.get("patches", []):
        names = [tuple(patch["target"][key] for key in ("kind", "name"))] if "target" in patch else []
        if "path" in patch:
            path = folder / patch["path"]
            if not path.is_file():
                wrong.append(f"{at}: no patch {patch['path']}")
                continue
            names += [name_of(document) for document in documents(path.read_text())]
        # What a component changes is in the kustomization that takes it.
        there = found if not is_component else collect(folder / "../base")
        wrong.extend(f"{at}: a patch of {name}, which is not there" for name in names if name not in there)
    suffix = kustomization.get("nameSuffix", "")
    prefix = kustomization.get("namePrefix", "")
    images = {pod["image"].split(":")[0] for document in found.values() if document for pod in containers(document)}
    for image in kustomization.get("images", []):
        if image["name"] not in images:
            wrong.append(f"{at}: no container has the image {image['name']}")
    return {(kind, prefix + name + suffix): document for (kind, name), document in found.items()}


def containers(document):
    return (pod_of(document) or {}).get("containers", [])


def main():
    words = [word for word in sys.argv[1:] if word != "--unbuilt"]
    root, versions = pathlib.Path(words[0]), words[1:]
    patches = set()
    folders = sorted(path.parent for path in root.rglob("kustomization.yaml"))
    for folder in folders:
        kustomization = documents((folder / "kustomization.yaml").read_text())[0]
        patches |= {(folder / patch["path"]).resolve() for patch in kustomization.get("patches", []) if "path" in patch}
        collect(folder)
    files = sorted(root.rglob("*.yaml"))
    checked = 0
    for path in files:
        check_secrets(path)
        if path.name == "kustomization.yaml" or path.resolve() in patches:
            continue
        all_documents = documents(path.read_text())
        checked += len(all_documents)
        for document in all_documents:
            check_schema(document, path, versions)
            check_pod(document, path)
        check_selectors(all_documents, path)
    built = 0
    if "--unbuilt" in sys.argv:
        pass
    elif shutil.which("kubectl"):
        for folder in folders:
            if documents((folder / "kustomization.yaml").read_text())[0]["kind"] == "Component":
                continue
            output = subprocess.run(["kubectl", "kustomize", str(folder)], capture_output=True, text=True)
            if output.returncode != 0:
                wrong.append(f"{folder}: {output.stderr.strip()}")
                continue
            all_documents = documents(output.stdout)
            built += len(all_documents)
            for document in all_documents:
                check_schema(document, f"{folder}, built", versions)
                check_pod(document, f"{folder}, built")
            check_selectors(all_documents, f"{folder}, built")
    else:
        print("NOT TESTED: what kustomize builds of them: kubectl is not installed", file=sys.stderr)
    for line in wrong:
        print(line)
    print(f"{checked} resources in {len(files)} files, {built} built, Kubernetes {' and '.join(versions)}")
    sys.exit(1 if wrong else 0)


main()
